import type { SharedLease, WireMessage } from '@waybill/core/driver'
import type { Assignment } from './assignment.ts'
import type { BrokerLane } from './broker-lane.ts'

/** One message in one lane. */
export interface BrokerEntry {
  readonly message: WireMessage
  readonly number: number
  readonly shard: number
  /** Where it stands in its shard. */
  readonly place: number
  state: 'ready' | 'out' | 'gone'
  visibleAtMs: number
  deliveries: number
}

/** One time that one entry was handed out. What a handler's message carries as its native object. */
export interface BrokerDelivery {
  readonly id: number
  readonly lane: BrokerLane
  readonly entry: BrokerEntry
  readonly assignment: Assignment
  readonly lease: SharedLease
  /** The number of times it was delivered, this time included. */
  readonly deliveries: number
  /** When the right to settle ends, where it ends by itself. */
  expiresAtMs: number
  /** The broker has given up on it: settling changes nothing. */
  isVoid: boolean
  /** The core has said what becomes of it. */
  isSettled: boolean
}

/** The number that the application put into the message: its body is this one byte. */
export function numberOf(message: WireMessage): number {
  return message.body?.[0] ?? -1
}
