import type { StartFrom } from './consumer.ts'
import type { ListenStart } from './driver/driver.ts'
import { MessagingError } from './messaging-error.ts'

/** Where to start, in the words of drivers. @throws MessagingError `invalidArgument` */
export function listenStart(startFrom: StartFrom | undefined = 'now'): ListenStart {
  if (startFrom === 'now') return 'new'
  if (startFrom === 'beginning') return 'oldest'
  const names = typeof startFrom === 'object' && startFrom !== null ? Object.keys(startFrom) : []
  if (names.length === 1 && 'time' in startFrom && isTime(startFrom.time)) return { timeMs: startFrom.time.getTime() }
  if (names.length === 1 && 'positions' in startFrom && arePositions(startFrom.positions)) {
    return { positions: [...startFrom.positions] }
  }
  throw new MessagingError(
    'invalidArgument',
    "startFrom can be 'now', 'beginning', { time } with a valid Date, or { positions } with at least one text",
  )
}

function isTime(time: unknown): time is Date {
  return time instanceof Date && !Number.isNaN(time.getTime())
}

function arePositions(positions: unknown): positions is readonly string[] {
  return Array.isArray(positions) && positions.length > 0 && positions.every((each) => typeof each === 'string')
}
