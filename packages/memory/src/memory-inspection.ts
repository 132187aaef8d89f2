import type { Address, Capabilities, Clock, Inspection } from '@waybill/core/driver'
import type { MemoryLane } from './memory-lane.ts'
import type { MemoryNames } from './memory-names.ts'

/** Exact numbers of a lane, or of all groups of a channel together; of them what is declared. */
export function inspect(
  names: MemoryNames,
  address: Address,
  { inspect: declared }: Capabilities,
  clock: Clock,
): Inspection {
  const lanes = address.group === undefined ? names.groups(address).map((group) => group.main) : [names.lane(address)]
  const found: { -readonly [K in keyof Inspection]: Inspection[K] } = {}
  if (declared.includes('ready')) found.ready = sum(lanes, (lane) => lane.ready)
  if (declared.includes('unsettled')) found.unsettled = sum(lanes, (lane) => lane.unsettled)
  if (declared.includes('oldestMs')) {
    const oldest = Math.min(...lanes.map((lane) => lane.oldestAtMs ?? Infinity))
    if (oldest < Infinity) found.oldestMs = Math.max(0, clock.monotonic() - oldest)
  }
  return found
}

function sum(lanes: readonly MemoryLane[], count: (lane: MemoryLane) => number): number {
  return lanes.reduce((total, lane) => total + count(lane), 0)
}
