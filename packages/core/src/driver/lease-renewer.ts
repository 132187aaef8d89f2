import type { Clock, Timer } from './clock.ts'
import { throwLater } from './throw-later.ts'

export interface LeaseRenewerOptions<T> {
  readonly clock: Clock
  /** Well under half of the lease, so that one failed round costs nothing. */
  readonly renewEveryMs: number
  /** Longest time an item is held; then it counts as lost. */
  readonly maxHoldMs: number
  /** Renews the leases of all these; answers those it lost. A rejection loses none: the next round tries again. */
  renew(batch: readonly T[]): Promise<readonly T[]>
  /** Called once, after the item was taken out. */
  onLost(item: T): void
}

interface Holding<T> {
  readonly item: T
  readonly since: number
  isRenewing: boolean
}

/**
 * Keeps many leases by one schedule: a round every `renewEveryMs`, as long as there is anything to keep.
 *
 * For brokers where each message has a lease of its own. An item that was just added may be renewed early. Rounds do
 * not wait for each other; an item is never in two at a time.
 *
 * Conformance: SET-10, SET-11.
 */
export class LeaseRenewer<T> {
  readonly #options: LeaseRenewerOptions<T>
  readonly #holdings = new Map<T, Holding<T>>()
  readonly #tick = () => this.#round()
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: LeaseRenewerOptions<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#holdings.size
  }

  /** Does nothing once stopped. */
  add(item: T): void {
    if (this.#isStopped) return
    this.#holdings.set(item, { item, since: this.#options.clock.monotonic(), isRenewing: false })
    if (this.#timer === undefined) this.#arm()
  }

  /** To be called when the item is settled. An unknown one is ignored. */
  remove(item: T): void {
    this.#holdings.delete(item)
  }

  /** Forgets everything, without calling `onLost`. */
  stop(): void {
    this.#isStopped = true
    this.#holdings.clear()
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    this.#timer = this.#options.clock.after(this.#options.renewEveryMs, this.#tick)
  }

  #round(): void {
    this.#timer = undefined
    if (this.#holdings.size === 0) return
    this.#arm()
    const now = this.#options.clock.monotonic()
    const due: Holding<T>[] = []
    for (const holding of this.#holdings.values()) {
      if (now - holding.since >= this.#options.maxHoldMs) this.#lose(holding)
      else if (!holding.isRenewing) due.push(holding)
    }
    if (due.length > 0) void this.#renew(due)
  }

  async #renew(due: readonly Holding<T>[]): Promise<void> {
    for (const holding of due) holding.isRenewing = true
    const lost = await this.#lostOf(due.map((holding) => holding.item))
    for (const item of lost) {
      const holding = this.#holdings.get(item)
      if (holding?.isRenewing) this.#lose(holding)
    }
    for (const holding of due) holding.isRenewing = false
  }

  async #lostOf(batch: readonly T[]): Promise<readonly T[]> {
    try {
      return await this.#options.renew(batch)
    } catch {
      return []
    }
  }

  #lose(holding: Holding<T>): void {
    this.#holdings.delete(holding.item)
    try {
      this.#options.onLost(holding.item)
    } catch (error) {
      throwLater(error)
    }
  }
}
