import type { Driver } from '@waybill/core/driver'
import type { MemoryLane } from './memory-lane.ts'
import type { StoredMessage } from './stored-message.ts'

/** An open connection, as far as the broker and its faults are concerned. */
export interface LiveConnection {
  readonly driver: Driver
  readonly role: 'send' | 'receive'
  /** Ends it; the driver reports `lost`. */
  lose(error: unknown): void
  blockedChanged(isBlocked: boolean): void
  /** Confirms at most `limit` sends that were held; answers how many. */
  confirm(limit: number): number
  cancelListeners(error: unknown): void
  recallLeases(): void
  loseLeases(): void
  laneRemoved(lanes: ReadonlySet<MemoryLane>): void
  unsettledOf(lane: MemoryLane): StoredMessage[]
}
