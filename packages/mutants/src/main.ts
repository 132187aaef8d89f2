// Runs the conformance kit against every mutant, and writes packages/conformance/mutants.json.
import { startBroker } from '@waybill/brokers'
import { Command } from 'commander'
import pc from 'picocolors'
import { coverageProblems, coveredCases, reasons } from './coverage.ts'
import { eachOf } from './each-of.ts'
import { adapters, type AdapterName, type Mutant } from './mutant.ts'
import { isOfAdapter, mutants } from './mutants.ts'
import { updateReport } from './report.ts'
import { summaryTable } from './summary.ts'
import { adapterGround, memoryGround, tryMutant, tryUnbroken, type Ground, type Verdict } from './trial.ts'

interface Options {
  readonly only?: readonly string[]
  readonly skip: readonly string[]
  readonly atOnce: string
}

const list = (text: string): string[] => text.split(',').map((name) => name.trim())
const options = new Command('npm run test:mutants --')
  .description('Shows that the conformance kit catches broken drivers, cores and adapters.')
  .option('--only <names>', 'these mutants only, by name', list)
  .option('--skip <adapters>', `leave out the mutants of these adapters, which need brokers: ${adapters}`, list, [])
  .option('--at-once <number>', 'how many mutants of the memory driver to run at a time', '4')
  .parse()
  .opts<Options>()

const chosen = chosenMutants()
const onMemory = chosen.filter((mutant) => !isOfAdapter(mutant))
const total = chosen.length
const isWhole = total === mutants.length
const verdicts: Verdict[] = []
const problems: string[] = isWhole ? [...coverageProblems(mutants)] : []

for (const [profile, tried = []] of Object.entries(Object.groupBy(onMemory, ({ profile = 'copies' }) => profile))) {
  await onGround(`memory, ${profile}`, memoryGround(profile), tried, Number(options.atOnce))
}
for (const adapter of adapters) await onBroker(adapter)
await finish()

function chosenMutants(): readonly Mutant[] {
  const { only, skip } = options
  const names = mutants.map(({ name }) => name)
  refuseUnknown('--only', 'mutant', only ?? [], names)
  refuseUnknown('--skip', 'adapter', skip, adapters)
  return mutants.filter(({ name, kind }) => (only?.includes(name) ?? true) && !skip.includes(kind))
}

function refuseUnknown(option: string, what: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  console.error(`${option}: there is no ${what} ${unknown.join(', ')}; there are ${known.join(', ')}`)
  process.exit(1)
}

async function onGround(what: string, ground: Ground, tried: readonly Mutant[], atOnce: number): Promise<void> {
  if (tried.length === 0) return
  const cases = [...new Set(tried.flatMap(({ red }) => Object.keys(red)))]
  console.log(`${what}: ${cases.length} cases with nothing broken ...`)
  const shares = Array.from({ length: atOnce }, (_, share) => cases.filter((_, index) => index % atOnce === share))
  await eachOf(shares, atOnce, async (share) => void problems.push(...(await tryUnbroken(ground, share))))
  console.log(`${what}: ${tried.length} mutants ...`)
  await eachOf(tried, atOnce, async (mutant) => show(await tryMutant(mutant, ground)))
}

async function onBroker(adapter: AdapterName): Promise<void> {
  const tried = chosen.filter(({ kind }) => kind === adapter)
  if (tried.length === 0) return
  console.log(`${adapter}: starting a broker ...`)
  const broker = await startBroker(adapter)
  try {
    await onGround(adapter, adapterGround(adapter, broker.description), tried, 1)
  } finally {
    await broker.stop()
  }
}

function show(verdict: Verdict): void {
  verdicts.push(verdict)
  const { mutant, red, problems: why, seconds } = verdict
  const mark = why.length === 0 ? pc.green('caught  ') : pc.red('SURVIVED')
  const place = `${String(verdicts.length).padStart(String(total).length)}/${total}`
  console.log(`${place} ${mark} ${mutant.name} (${seconds.toFixed(1)} s): ${red.join(', ')}`)
  for (const each of why) console.log(`      ${each.replaceAll('\n', '\n      ')}`)
  problems.push(...why.map((each) => `${mutant.name}: ${each}`))
}

async function finish(): Promise<void> {
  console.log(`\n${summaryTable(verdicts)}`)
  const caught = verdicts.filter((verdict) => verdict.problems.length === 0).length
  console.log(`${caught} of ${total} mutants caught`)
  if (isWhole) {
    const excused = Object.keys(reasons).length
    console.log(
      `${coveredCases.length - excused} of ${coveredCases.length} cases turned red, ${excused} with a reason not to be`,
    )
  }
  if (problems.length > 0) {
    console.log(`\n${problems.map((each) => `${pc.red('x')} ${each}`).join('\n')}`)
    process.exitCode = 1
  } else {
    const names = mutants.map(({ name }) => name)
    await updateReport(names, new Map(verdicts.map(({ mutant, red }) => [mutant.name, red])))
    console.log('written: packages/conformance/mutants.json')
  }
}
