import type { Arrival } from './group.ts'

/** Counts what one group did, over all its instances, as seen by its handlers. */
export class GroupTally {
  /** Handler runs that succeeded. */
  handled = 0
  /** Runs that failed and came again. */
  retried = 0
  /** Runs that failed for good. */
  rejected = 0
  /** Deliveries that were recognised as handled before, so that no handler ran. */
  suppressed = 0
  /** Handled before an earlier one of the same key, or while another one of it was being handled. */
  orderViolations = 0
  readonly #effects = new Map<string, number>()
  readonly #latest = new Map<string, number>()
  readonly #running = new Set<string>()
  readonly #outOfTurn = new Set<string>()

  /** Deliveries that have come to their end. */
  get settled(): number {
    return this.handled + this.suppressed + this.rejected
  }

  /** What was handled more than once. */
  get doubleEffects(): number {
    let count = 0
    for (const times of this.#effects.values()) count += times - 1
    return count
  }

  /** Runs `work` and counts its effect under `effect`, of which there may be one. */
  async run({ id, key, sequence }: Arrival, effect: string, work: () => Promise<void>): Promise<void> {
    if (this.#running.has(key)) this.orderViolations++
    this.#running.add(key)
    try {
      await work()
    } finally {
      this.#running.delete(key)
    }
    this.handled++
    this.#effects.set(effect, (this.#effects.get(effect) ?? 0) + 1)
    if (this.#outOfTurn.has(id)) return
    if (sequence < (this.#latest.get(key) ?? 0)) this.orderViolations++
    else this.#latest.set(key, sequence)
  }

  /** Of these effects, those that never came. */
  missing(effects: Iterable<string>): number {
    let count = 0
    for (const effect of new Set(effects)) if (!this.#effects.has(effect)) count++
    return count
  }

  /** These are redriven: they come after what was sent later, and rightly so. */
  expectOutOfTurn(ids: Iterable<string>): void {
    for (const id of ids) this.#outOfTurn.add(id)
  }
}
