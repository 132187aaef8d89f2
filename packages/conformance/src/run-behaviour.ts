import { keyOf, planOf, type Behaviour } from './behaviour.ts'
import type { FaultName } from './faults.ts'
import type { Harness } from './harness.ts'
import { Kit, type Size } from './kit.ts'
import { watchLeaks } from './leaks.ts'
import { watchRejections } from './rejections.ts'
import { within } from './time.ts'

/** What a case counted: the account of its messages, the faults it made, and times. */
export type Figures = { readonly [name: string]: number }

/** What one case came to. */
export type CaseResult = { readonly key: string } & (
  | { readonly outcome: 'passed'; readonly sizes: { readonly [name: string]: Size }; readonly figures?: Figures }
  | { readonly outcome: 'refused'; readonly capability: string }
  | { readonly outcome: 'notRun'; readonly fault: FaultName }
  | { readonly outcome: 'failed'; readonly error: Error }
)

const fullFactor = 40

/** Whether `WAYBILL_TEST_LONG=1` asks for long cases at full size. */
export const longRun = (): boolean => process.env.WAYBILL_TEST_LONG === '1'

/** Runs one case, or its refusal, once. Never throws: a failure is a result. */
export async function runBehaviour(
  harness: Harness,
  behaviour: Behaviour,
  {
    full = longRun() && harness.reduced !== true,
    tell,
  }: { readonly full?: boolean; readonly tell?: (step: string) => void } = {},
): Promise<CaseResult> {
  const key = keyOf(behaviour)
  const plan = planOf(behaviour, harness, harness.createDriver().capabilities)
  if (plan.kind === 'notRun') return { key, outcome: 'notRun', fault: plan.fault }
  const nonce = newNonce()
  const leaks = watchLeaks()
  const rejections = watchRejections()
  const kit = new Kit(harness, behaviour, { nonce, full, ...(tell === undefined ? {} : { tell }) })
  const errors: unknown[] = []
  const attempt = async (step: () => Promise<unknown> | undefined): Promise<void> => {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  const deadlineMs = (behaviour.deadlineMs ?? 30_000) * (full && behaviour.tags?.includes('long') ? fullFactor : 1)
  const body = plan.kind === 'run' ? behaviour.run : (behaviour.refusal as Behaviour['run'])
  // Begins once its deadline is set: a case that counts timers itself must not find that one left over.
  const begun = Promise.resolve().then(() => body.call(behaviour, kit))
  await attempt(() => within(key, deadlineMs, begun))
  errors.push(...(await kit.end()))
  if (behaviour.needs?.faults !== undefined) await attempt(() => harness.faults.heal?.())
  await attempt(() => harness.sweep(nonce))
  await attempt(() => rejections.end())
  await attempt(() => leaks.check(3_000))
  if (errors.length > 0) return { key, outcome: 'failed', error: explained(errors, kit) }
  if (plan.kind === 'refusal') return { key, outcome: 'refused', capability: plan.capability }
  return { key, outcome: 'passed', sizes: kit.sizes, figures: kit.figures }
}

/** The first failure, with the case's log and what failed after it. */
function explained(errors: readonly unknown[], kit: Kit): Error {
  const [first, ...others] = errors.map((error) => (error instanceof Error ? error : new Error(String(error))))
  const failure = first as Error
  const parts = [failure.message, ...others.map(({ message }) => `then: ${message}`), `log:\n${kit.log}`]
  Object.defineProperty(failure, 'message', { value: parts.join('\n'), configurable: true, writable: true })
  return failure
}

let cases = 0

/** Lower case letters and digits, so that every broker takes it in a name. */
function newNonce(): string {
  return `${runNonce}${(++cases).toString(36)}x`
}

const runNonce = `w${Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString('hex')}`
