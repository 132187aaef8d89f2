import type { WireMessage } from '@waybill/core/driver'
import { coreHeaders } from './core-headers.ts'
import type { MessageRecord } from './message-record.ts'
import type { Oracle } from './oracle.ts'
import type { SimulatedProcess } from './simulated-process.ts'

const prefix = 'waybill-failure-'
const parts = ['type', 'message', 'stack', 'attempts', 'first-at', 'last-at', 'channel', 'group', 'position']

/** What must hold when the broker takes in a dead letter. */
export function checkDeadLetter(
  oracle: Oracle,
  record: MessageRecord,
  process: SimulatedProcess,
  groupName: string,
  message: WireMessage,
): void {
  const group = record.in(groupName)
  const name = `the dead letter of m${record.plan.number} in ${groupName}`
  const failures = group.failures.filter((run) => run.process.isAlive || run.process === process)
  group.deadLetters++
  checkCause(oracle, record, groupName, name)
  const { headers } = message
  const missing = parts.filter((part) => headers[prefix + part] === undefined)
  const record_ = (holds: boolean, detail: () => string) => oracle.check(holds, 'failure-record', detail)
  record_(missing.length === 0, () => `${name} lacks ${missing.join(', ')}`)
  const left = Object.values(coreHeaders).filter((header) => headers[header] !== undefined)
  record_(left.length === 0, () => `${name} still has ${left.join(', ')}`)
  record_(headers['tag'] === `t${record.plan.number}`, () => `${name} lost the application's header`)
  record_(message.key === record.plan.key, () => `${name} lost its key`)
  record_(message.body?.length === 1, () => `${name} has another body`)
  record_(headers[`${prefix}group`] === groupName, () => `${name} names the group ${headers[`${prefix}group`]}`)
  record_(headers[`${prefix}channel`] === 'orders', () => `${name} names the channel ${headers[`${prefix}channel`]}`)
  const attempts = Number(headers[`${prefix}attempts`])
  const told = failures.filter((run) => run.attempt === attempts)
  record_(told.length > 0, () => `${name} tells of ${attempts} attempts, none of which failed`)
  const said = headers[`${prefix}message`]
  record_(
    told.some(({ error }) => (error as Error).message === said),
    () => `${name} says "${said}"`,
  )
}

/** Only what failed for good, and not because its consumer closes. */
function checkCause(oracle: Oracle, record: MessageRecord, groupName: string, name: string): void {
  const { failures } = record.in(groupName)
  const { maxAttempts } = oracle.schedule.retry
  const isAsked = record.plan.failsBy === 'deadLetter' && record.plan.failures > 0
  const needed = isAsked || oracle.retriesBy === 'inPlace' ? 1 : maxAttempts
  const count = failures.length
  oracle.check(count >= needed, 'dead-lettered-for-cause', () => `${name} comes after ${count} of ${needed} failures`)
  const last = failures.at(-1)
  if (last === undefined) return
  oracle.check(
    failures.some(({ endedAtMs, process }) => (endedAtMs as number) < process.closingAtMs),
    'dead-lettered-for-cause',
    () => `${name} comes from a consumer that closes`,
  )
}
