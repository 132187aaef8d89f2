import { nativeOf, type Delivery, type Lease, type WireMessage } from '@waybill/core/driver'
import type { MemoryLane } from './memory-lane.ts'

/** Where the embedded broker keeps a message: what `Delivery.native` is. */
export class MemoryRecord {
  /** `orders/billing`, `orders/billing/dead`. */
  readonly lane: string
  /** The place of the message in the channel: rises with each one sent. */
  readonly sequence: number

  constructor(lane: string, sequence: number) {
    this.lane = lane
    this.sequence = sequence
  }
}

/** Where the embedded broker keeps a received message. `undefined` when it came from elsewhere. */
export function memoryDelivery(message: object): MemoryRecord | undefined {
  const native = nativeOf(message)
  return native instanceof MemoryRecord ? native : undefined
}

/** A message on its way to be settled. What is rarely looked at is made when looked at. */
export class MemoryDelivery implements Delivery {
  readonly message: WireMessage
  readonly deliveries: number | undefined
  readonly lease: Lease
  readonly #lane: MemoryLane
  readonly #sequence: number

  constructor(message: WireMessage, deliveries: number | undefined, lease: Lease, lane: MemoryLane, sequence: number) {
    this.message = message
    this.deliveries = deliveries
    this.lease = lease
    this.#lane = lane
    this.#sequence = sequence
  }

  get position(): string {
    return `${this.#lane.name}@${this.#sequence}`
  }

  get native(): MemoryRecord {
    return new MemoryRecord(this.#lane.name, this.#sequence)
  }
}
