import type { Clock, Timer } from '@waybill/core/driver'
import type { DeliverySlot, DeliverySlots } from './delivery-slot.ts'

/** Takes back what was held for too long, where the declared time to hold a delivery is limited. */
export class HoldLimit {
  readonly #holdMs: number
  readonly #clock: Clock
  readonly #slots: DeliverySlots
  readonly #expire: (slot: DeliverySlot) => void
  #timer: Timer | undefined

  constructor(holdMs: number, clock: Clock, slots: DeliverySlots, expire: (slot: DeliverySlot) => void) {
    this.#holdMs = holdMs
    this.#clock = clock
    this.#slots = slots
    this.#expire = expire
  }

  start(slot: DeliverySlot): void {
    slot.expiresAt = this.#clock.monotonic() + this.#holdMs
    this.#timer ??= this.#clock.after(this.#holdMs, this.#check)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #check = (): void => {
    this.#timer = undefined
    const now = this.#clock.monotonic()
    let next = Infinity
    for (const slot of this.#slots.withMessage()) {
      if (slot.expiresAt <= now) this.#expire(slot)
      else next = Math.min(next, slot.expiresAt)
    }
    if (next < Infinity) this.#timer ??= this.#clock.after(next - now, this.#check)
  }
}
