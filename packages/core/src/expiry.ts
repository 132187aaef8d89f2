import type { Connection } from './connection.ts'
import { MessagingError } from './messaging-error.ts'
import type { Task } from './task.ts'

/**
 * Whether a message came past its time; if so, that is told, since it is dropped. Not applied to what was already tried:
 * its way ends with success or as a dead letter. Conformance: SCH-04.
 */
export function isExpired(
  task: Task,
  { connection, channel, group }: { connection: Connection; channel: string; group: string | undefined },
): boolean {
  const { extensions, id } = task.wire
  const expiry = extensions['expirytime']
  if (expiry === undefined || task.attempt > 1) return false
  if (!(Date.parse(expiry) <= connection.runtime.clock.now())) return false
  connection.fault(
    new MessagingError('timeout', `a message on "${channel}" expired at ${expiry}; it was not handled`),
    {
      channel,
      ...(group === undefined ? {} : { group }),
      ...(id === undefined ? {} : { messageId: id }),
    },
  )
  return true
}
