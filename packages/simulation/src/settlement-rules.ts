import type { Address, Settlement, WireMessage } from '@waybill/core/driver'
import { type BrokerDelivery, numberOf } from './broker-entry.ts'
import { coreHeaders, numberHeader } from './core-headers.ts'
import type { GroupRecord, MessageRecord } from './message-record.ts'
import type { Oracle } from './oracle.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** What must hold when the core says what becomes of a delivery. `isVoid`: of an epoch that is over. */
export function checkSettlement(
  oracle: Oracle,
  process: SimulatedProcess,
  delivery: BrokerDelivery,
  settlement: Settlement,
  group: GroupRecord,
  isVoid: boolean,
): void {
  const name = `m${delivery.entry.number} in ${group.group}`
  const runs = group.runsOf(delivery)
  const isRunning = runs.some(({ endedAtMs, process: { isAlive } }) => endedAtMs === undefined && isAlive)
  const mayRun = settlement.kind === 'release' && process.closingAtMs < Infinity
  oracle.check(
    !isRunning || mayRun,
    'settled-after-outcome',
    () => `${name} was settled with ${settlement.kind} while its handler runs`,
  )
  if (settlement.kind === 'accept' && !isVoid) checkAccept(oracle, process, group, name)
  if (settlement.kind !== 'retry' || isVoid) return
  const last = runs.findLast(({ outcome }) => outcome === 'failed')
  if (last === undefined) return
  const { delaysMs } = oracle.schedule.retry
  const leastMs = last.askedDelayMs ?? (delaysMs[Math.min(last.attempt, delaysMs.length) - 1] as number)
  const { delayMs } = settlement
  oracle.check(delayMs === leastMs, 'delay-floor', () => `${name} is retried after ${delayMs}, not ${leastMs} ms`)
}

/** An accept takes the message off the broker: it was handled, or a copy of it is there. */
function checkAccept(oracle: Oracle, process: SimulatedProcess, group: GroupRecord, name: string): void {
  if (group.hasSucceeded || group.isCompleted) return
  const copies = group.copies.get(process) ?? 0
  // An earlier delivery, lost since, may have been handed over, run or not: this one is then accepted with it.
  const isLost = ({ isVoid, assignment }: BrokerDelivery) =>
    isVoid && assignment.listener.connection.process === process
  const isJoined = copies === 0 && group.deliveries.some(isLost)
  oracle.check(
    copies > 0 || (isJoined && group.copies.has(process)),
    'settled-after-outcome',
    () => `${name} was accepted, neither handled nor handed over`,
  )
  if (copies > 0) group.copies.set(process, copies - 1)
}

/** What must hold when the core hands on a message that it was given: to wait, or as a dead letter. */
export function checkCopy(
  oracle: Oracle,
  process: SimulatedProcess,
  to: Address,
  message: WireMessage,
  delayMs: number | undefined,
): void {
  const record = oracle.messages.get(numberOf(message)) as MessageRecord
  const group = record.in(to.group as string)
  const name = `m${record.plan.number} in ${group.group}`
  if (to.lane === 'dead') return
  oracle.check(oracle.retriesBy === 'copy', 'key-order', () => `${name} was sent again, behind others of its key`)
  const attempts = numberHeader(message.headers, coreHeaders.attempt)
  const failed = group.failures.filter((run) => run.attempt === attempts && run.process === process)
  // What is only postponed, for the store's sake or because it came too early, keeps its count.
  const isUncounted = oracle.schedule.isIdempotent || coreHeaders.due in message.headers
  oracle.check(
    failed.length > 0 || isUncounted,
    'attempts',
    () => `a copy of ${name} says ${attempts} attempts, which did not fail in ${process.name}`,
  )
  const waits = delayMs !== undefined || coreHeaders.due in message.headers
  oracle.check(waits, 'delay-floor', () => `a copy of ${name} goes round without a delay`)
}
