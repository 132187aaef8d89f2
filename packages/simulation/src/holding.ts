import type { ListenerPast } from './listener-past.ts'

/** A shard in the hands of one listener, for as long as one lease lasts, as far as anything was delivered under it. */
export class Holding {
  readonly listener: ListenerPast
  /** The first place that was delivered. */
  readonly first: number
  last: number
  state: 'held' | 'recalled' | 'lost' = 'held'
  recalledAtMs = Infinity
  lostAtMs = Infinity
  /** Something was given back while it held. */
  isReleased = false
  /** Places delivered and not settled. */
  readonly open = new Set<number>()
  /** Lost after a recall, with nothing out and nobody in the way. */
  #isHandedOver = false
  /** Lost before its listener was told to drain. */
  #isTakenAway = false
  readonly #accepted = new Set<number>()
  /** Where the unbroken run of what was accepted ended, and since when. */
  readonly #prefixes: { readonly atMs: number; readonly end: number }[]

  constructor(listener: ListenerPast, first: number, atMs: number) {
    this.listener = listener
    this.first = first
    this.last = first
    this.#prefixes = [{ atMs, end: first }]
  }

  /** Behind the unbroken run of what was accepted: what a log can have as committed, and no more. */
  get prefix(): number {
    return this.#prefixes.at(-1)?.end ?? this.first
  }

  prefixAt(atMs: number): number {
    return this.#prefixes.findLast((each) => each.atMs <= atMs)?.end ?? this.first
  }

  accept(place: number, atMs: number): void {
    this.#accepted.add(place)
    let end = this.prefix
    while (this.#accepted.delete(end)) end++
    if (end > this.prefix) this.#prefixes.push({ atMs, end })
  }

  move(state: 'recalled' | 'lost', atMs: number): void {
    const { connection, drains } = this.listener
    if (state === 'lost') {
      this.lostAtMs = atMs
      this.#isTakenAway = !drains
      this.#isHandedOver = this.state === 'recalled' && !drains && this.open.size === 0 && connection.isTrusted
    } else this.recalledAtMs = atMs
    this.state = state
  }

  /** Until then whoever asks member and broker hears the same. */
  get trustedUntilMs(): number {
    return Math.min(this.listener.connection.trustedUntilMs, this.lostAtMs)
  }

  /** It may still take or settle something, and knows of nothing that is in the way of it. */
  get isAtWork(): boolean {
    const { connection, isOver } = this.listener
    if (this.state === 'lost' || !connection.isTrusted) return false
    return !isOver || this.open.size > 0
  }

  /** It was handed over, or left, with nothing out and nobody in the way: what it had settled is committed. */
  get isInOrder(): boolean {
    const { connection, drains, isDrained } = this.listener
    if (connection.failedToSettle) return false
    if (this.#isHandedOver || this.#isTakenAway) return this.#isHandedOver
    return drains && this.open.size === 0 && (isDrained || connection.isTrusted)
  }
}
