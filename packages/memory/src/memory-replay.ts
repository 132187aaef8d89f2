import type { Clock, ListenStart } from '@waybill/core/driver'
import type { MemoryChannel } from './memory-channel.ts'
import { MemoryBrokerError } from './memory-errors.ts'
import type { StoredMessage } from './stored-message.ts'

/** Whether a stored message is at or behind the start. @throws MemoryBrokerError on a position of somewhere else. */
export function startIn(
  channel: MemoryChannel,
  start: Exclude<ListenStart, 'new'>,
  clock: Clock,
): (message: StoredMessage) => boolean {
  if (start === 'oldest') return () => true
  if (start.timeMs !== undefined) {
    const fromMs = Math.floor(clock.monotonic() - (clock.now() - start.timeMs))
    return ({ storedAtMs }) => storedAtMs >= fromMs
  }
  const first = Math.min(...start.positions.map((each) => sequenceIn(channel, each)))
  return ({ sequence }) => sequence >= first
}

/** Positions name the lane that a message was delivered from, and its place in the channel: `orders/billing@12`. */
function sequenceIn(channel: MemoryChannel, position: string): number {
  const [, name, digits] = /^([^/]*)\/.*@(\d+)$/s.exec(position) ?? []
  if (name !== channel.name || digits === undefined) {
    throw new MemoryBrokerError('invalidArgument', `"${position}" is no position in channel "${channel.name}"`)
  }
  if (channel.hasReached(Number(digits))) return Number(digits)
  throw new MemoryBrokerError('failedPrecondition', `there is nothing yet at "${position}"`)
}
