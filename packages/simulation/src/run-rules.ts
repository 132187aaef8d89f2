import { coreHeaders, numberHeader } from './core-headers.ts'
import type { GroupRecord, MessageRecord, Run } from './message-record.ts'
import type { Oracle } from './oracle.ts'

/** What must hold when a handler starts. The run is not in the records yet. */
export function checkStart(oracle: Oracle, run: Run, group: GroupRecord, record: MessageRecord): void {
  const { process, delivery } = run
  const name = `m${record.plan.number} in ${group.group}`
  oracle.check(process.closedAtMs === Infinity, 'nothing-after-close', () => `${process.name} runs ${name} after close`)
  oracle.check(!delivery.isSettled, 'settled-after-outcome', () => `${name} runs after it was settled`)
  const twice = group.runsOf(delivery).some(({ endedAtMs }) => endedAtMs === undefined)
  oracle.check(!twice, 'settled-after-outcome', () => `two runs of one delivery of ${name}`)
  let running = 1
  for (const other of oracle.active) if (other.process === process && inGroup(other, group)) running++
  oracle.check(
    running <= process.mostRuns,
    'bounded',
    () => `${running} handlers of ${group.group} run in ${process.name}`,
  )
  checkAttempt(oracle, run, group, name)
  checkDelay(oracle, run, group, name)
  if (oracle.schedule.isKeyed) checkKey(oracle, run, group, record)
  if (oracle.schedule.isIdempotent) checkEffect(oracle, run, group, name)
}

/** The header counts what was; on top come deliveries where the broker retries, or the failures it is held for. */
function checkAttempt(oracle: Oracle, run: Run, group: GroupRecord, name: string): void {
  const { delivery, attempt } = run
  const before = numberHeader(delivery.entry.message.headers, coreHeaders.attempt)
  const deliveries = oracle.retriesBy === 'inPlace' ? delivery.deliveries : 1
  const held = group.runsOf(delivery).filter(({ outcome }) => outcome === 'failed').length
  const expected = before + deliveries + held
  oracle.check(attempt === expected, 'attempts', () => `${name} runs as attempt ${attempt}, not ${expected}`)
  if (oracle.retriesBy === 'inPlace') return
  const most = oracle.schedule.retry.maxAttempts
  oracle.check(attempt <= most, 'attempts', () => `${name} runs as attempt ${attempt} of at most ${most}`)
}

/** Some run must have failed as the attempt before, long enough ago. */
function checkDelay(oracle: Oracle, run: Run, group: GroupRecord, name: string): void {
  if (run.attempt === 1 || oracle.retriesBy === 'inPlace') return
  const before = group.failures.filter(({ attempt }) => attempt === run.attempt - 1)
  oracle.check(before.length > 0, 'attempts', () => `${name} runs as attempt ${run.attempt} without one before`)
  if (before.length === 0 || oracle.hasClockSteps) return
  const { delaysMs } = oracle.schedule.retry
  const policyMs = delaysMs[Math.min(run.attempt - 1, delaysMs.length) - 1] as number
  const dueAtMs = Math.min(...before.map((each) => (each.endedAtMs as number) + (each.askedDelayMs ?? policyMs)))
  const { nowMs } = oracle.world
  oracle.check(nowMs >= dueAtMs, 'delay-floor', () => `${name} runs again at ${nowMs}, due at ${dueAtMs} ms`)
}

function checkKey(oracle: Oracle, run: Run, group: GroupRecord, record: MessageRecord): void {
  const { key, number } = record.plan
  for (const other of oracle.active) {
    const { entry, lane, isVoid } = other.delivery
    if (lane.group !== group.group || entry.message.key !== key) continue
    // A process whose lease has ended may not know it yet; of its own runs it always knows.
    if (other.process !== run.process && (isVoid || run.delivery.isVoid)) continue
    oracle.violated('one-per-key', `m${number} of ${key} starts while m${entry.number} runs in ${group.group}`)
  }
  if (group.runs.length > 0) return
  for (const earlier of oracle.messages.values()) {
    const { plan, sender, answer, isStored } = earlier
    if (plan.number >= number || plan.key !== key || sender !== record.sender) continue
    if (answer === 'rejected' || (!isStored && !sender.isAlive) || earlier.in(group.group).isOver) continue
    oracle.violated('key-order', `m${number} of ${key} starts in ${group.group} before m${plan.number} has ended`)
  }
}

function checkEffect(oracle: Oracle, run: Run, group: GroupRecord, name: string): void {
  oracle.check(!group.isCompleted, 'one-effect', () => `${name} runs again although the store has it as handled`)
  const other = group.runs.find((each) => each.outcome !== 'failed' && !each.isExcused)
  oracle.check(other === undefined, 'one-effect', () => {
    const what = other?.outcome === undefined ? 'still runs' : 'succeeded'
    return `${name} runs in ${run.process.name} although its run in ${other?.process.name} ${what}`
  })
}

function inGroup(run: Run, { group }: GroupRecord): boolean {
  return run.delivery.lane.group === group
}
