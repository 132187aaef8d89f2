import type { Settlement, SharedLease } from '@waybill/core/driver'
import type { StoredMessage } from './stored-message.ts'

/**
 * Room for one delivery, used again and again: its callbacks are made once and not per message.
 *
 * It is taken until the delivery resolves, even when `message` is gone before because the lease was lost.
 */
export class DeliverySlot {
  message: StoredMessage | undefined
  lease: SharedLease | undefined
  bytes = 0
  expiresAt = Infinity
  readonly onSettled: (settlement: Settlement) => void
  readonly onFailed: (error: unknown) => void

  constructor(onSettled: (slot: DeliverySlot, settlement: Settlement) => void) {
    this.onSettled = (settlement) => onSettled(this, settlement)
    this.onFailed = () => onSettled(this, released)
  }
}

const released: Settlement = { kind: 'release' }

/** All slots of one listener: how much is out, and whether more may go. */
export class DeliverySlots {
  /** How many deliveries are unresolved. */
  taken = 0
  readonly #all: DeliverySlot[] = []
  readonly #free: DeliverySlot[] = []
  readonly #maxInFlight: number
  readonly #maxBytes: number
  readonly #onSettled: (slot: DeliverySlot, settlement: Settlement) => void
  #bytes = 0

  constructor(
    limits: { readonly maxInFlight: number; readonly maxInFlightBytes?: number },
    onSettled: (slot: DeliverySlot, settlement: Settlement) => void,
  ) {
    this.#maxInFlight = limits.maxInFlight
    this.#maxBytes = limits.maxInFlightBytes ?? Infinity
    this.#onSettled = onSettled
  }

  /** Bytes may go over by the last message, so that one beyond the limit gets through alone. */
  get hasRoom(): boolean {
    return this.taken < this.#maxInFlight && this.#bytes < this.#maxBytes
  }

  take(message: StoredMessage, lease: SharedLease): DeliverySlot {
    const slot = this.#free.pop() ?? this.#add()
    slot.message = message
    slot.lease = lease
    slot.bytes = message.message.body?.byteLength ?? 0
    this.#bytes += slot.bytes
    this.taken++
    return slot
  }

  leave(slot: DeliverySlot): void {
    this.#bytes -= slot.bytes
    this.taken--
    slot.message = undefined
    slot.lease = undefined
    this.#free.push(slot)
  }

  /** Those with a message, in no particular order. */
  withMessage(): DeliverySlot[] {
    return this.#all.filter((slot) => slot.message !== undefined)
  }

  #add(): DeliverySlot {
    const slot = new DeliverySlot(this.#onSettled)
    this.#all.push(slot)
    return slot
  }
}
