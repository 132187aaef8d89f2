// One mutant in a process of its own, so that whatever it leaves behind or blocks hurts nobody else:
//   node run-mutant.ts <request as JSON>
// Writes one line of JSON per case to standard output.
import type { Behaviour, Harness } from '@waybill/conformance'
import { patchModules } from '@waybill/source-patch'
import type { CaseOutcome, MutantRequest } from './mutant-process.ts'

const root = new URL('../../../', import.meta.url)
const request = JSON.parse(process.argv[2] ?? '') as MutantRequest
const changed = patchModules(root, request.patches)
// What may be patched is loaded only now.
const { behaviours, keyOf, runBehaviour, withDriver } = await import('@waybill/conformance')
const { brokenDrivers } = await import('./driver/index.ts')

const { harness } = (await import(new URL(request.harness, root).href)) as {
  harness(broker: unknown): Promise<Harness> | Harness
}
const sound = await harness(request.broker)
const wrap = brokenDrivers.find(({ name }) => name === request.wrapper)?.wrap
if (request.wrapper !== undefined && wrap === undefined) throw new Error(`no driver is broken by "${request.wrapper}"`)
const timed: Harness = { ...sound, timings: { ...sound.timings, ...request.timings } }
const broken = wrap === undefined ? timed : withDriver(timed, wrap)

await broken.open?.()
for (const key of request.cases) {
  const behaviour = behaviours.find((each) => keyOf(each) === key)
  if (behaviour === undefined) throw new Error(`there is no case "${key}"`)
  write(await outcomeOf(behaviour, key))
}
await broken.close?.()
const missed = request.patches.filter(({ file }) => !changed.has(file))
if (missed.length > 0) throw new Error(`not loaded, so not changed: ${missed.map(({ file }) => file).join(', ')}`)
process.exit(0)

async function outcomeOf(behaviour: Behaviour, key: string): Promise<CaseOutcome> {
  const startedAt = performance.now()
  const result = await runBehaviour(broken, behaviour, { full: false })
  const ms = Math.round(performance.now() - startedAt)
  if (result.outcome !== 'failed') return { key, outcome: result.outcome, ms }
  return { key, outcome: 'failed', message: firstFailure(result.error), ms }
}

/** Without what failed after it, and without the log of the case. */
function firstFailure({ message }: Error): string {
  return message.split(/\n(?:then: |log:\n)/, 1)[0] ?? ''
}

/** A drawn text may hold separators that readers of lines take for the end of one. */
function write(outcome: CaseOutcome): void {
  const line = JSON.stringify(outcome).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  process.stdout.write(`${line}\n`)
}
