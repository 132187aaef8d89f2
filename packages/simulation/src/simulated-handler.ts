import { deadLetter, MessagingError, retryLater, type HandlerContext } from '@waybill/core'
import { nativeOf } from '@waybill/core/driver'
import type { BrokerDelivery } from './broker-entry.ts'
import type { GroupRecord, MessageRecord, Run } from './message-record.ts'
import type { Oracle } from './oracle.ts'
import type { SimulatedProcess } from './simulated-process.ts'

const longestHangMs = 60_000
const askedDelayMs = 150

/** The handler of every group: does what the plan of its message says, and tells the oracle. */
export async function simulatedHandler(
  oracle: Oracle,
  process: SimulatedProcess,
  number: number,
  context: HandlerContext,
): Promise<void> {
  const record = oracle.messages.get(number) as MessageRecord
  const group = record.in(context.group as string)
  const { plan } = record
  const isFirst = group.runs.length === 0
  const run: Run = {
    process,
    delivery: nativeOf(context.message) as BrokerDelivery,
    attempt: context.attempt,
    startedAtMs: oracle.world.nowMs,
    endedAtMs: undefined,
    outcome: undefined,
    error: undefined,
    askedDelayMs: undefined,
    signal: plan.hangs || number % 2 === 0 ? context.signal : undefined,
    isExcused: false,
  }
  oracle.started(run, group, record)
  try {
    if (plan.hangs && isFirst) await hang(process, context.signal)
    else if (plan.handlerMs > 0) await process.sleep(plan.handlerMs)
    if (group.failures.length < plan.failures) fail(run, group, record)
    oracle.ended(run, group, record)
  } catch (error) {
    oracle.ended(run, group, record, error)
    throw error
  }
}

function fail(run: Run, group: GroupRecord, { plan }: MessageRecord): never {
  const what = `m${plan.number} cannot be paid, failure ${group.failures.length + 1}`
  if (plan.failsBy === 'deadLetter') deadLetter(what)
  // As a send of the handler's own does that the broker would not take.
  if (plan.failsBy === 'sending') throw new MessagingError('unavailable', what)
  if (plan.failsBy === 'throwing') throw new PaymentError(what)
  run.askedDelayMs = askedDelayMs
  retryLater(askedDelayMs)
}

function hang(process: SimulatedProcess, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    process.after(longestHangMs, resolve)
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}

class PaymentError extends Error {
  override readonly name = 'PaymentError'
}
