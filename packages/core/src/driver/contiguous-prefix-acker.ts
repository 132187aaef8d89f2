/** One position in the order of delivery. Made by `begin`, to be given back once. */
export interface PrefixSlot<P> {
  readonly position: P
  /** The acker's own. */
  state: 'open' | 'finished' | 'abandoned'
  /** The acker's own. */
  next: PrefixSlot<P> | undefined
}

/**
 * For brokers that acknowledge everything up to a position: Kafka offsets, ordered PUBACK.
 *
 * Positions begin in the broker's order and finish in any; `onPrefix` is told the last one before which none is open,
 * once per `finish` that moves it. A position abandoned is never passed: what comes after it is for the broker to give
 * again. Each position costs one slot and no more.
 *
 * Conformance: SET-12.
 */
export class ContiguousPrefixAcker<P> {
  readonly #onPrefix: (last: P) => void
  #first: PrefixSlot<P> | undefined
  #last: PrefixSlot<P> | undefined
  #isBlocked = false
  #pending = 0

  constructor(onPrefix: (last: P) => void) {
    this.#onPrefix = onPrefix
  }

  /** Positions that are neither finished nor abandoned. */
  get pending(): number {
    return this.#pending
  }

  /** To be called in the order of the positions. */
  begin(position: P): PrefixSlot<P> {
    const slot: PrefixSlot<P> = { position, state: 'open', next: undefined }
    this.#pending++
    if (this.#isBlocked) return slot
    if (this.#last === undefined) this.#first = slot
    else this.#last.next = slot
    this.#last = slot
    return slot
  }

  /** Does nothing for a slot that was finished or abandoned before. */
  finish(slot: PrefixSlot<P>): void {
    if (slot.state !== 'open') return
    slot.state = 'finished'
    this.#pending--
    if (slot === this.#first) this.#advance(slot)
  }

  /** Gives the position back unfinished: the prefix ends before it, for ever. */
  abandon(slot: PrefixSlot<P>): void {
    if (slot.state !== 'open') return
    slot.state = 'abandoned'
    this.#pending--
    if (slot === this.#first) this.#block()
  }

  /** Nothing behind can count any more, so nothing is kept. */
  #block(): void {
    this.#isBlocked = true
    this.#first = undefined
    this.#last = undefined
  }

  #advance(from: PrefixSlot<P>): void {
    let last = from
    let next = from.next
    from.next = undefined
    while (next?.state === 'finished') {
      last = next
      next = last.next
      last.next = undefined
    }
    this.#first = next
    if (next === undefined) this.#last = undefined
    else if (next.state === 'abandoned') this.#block()
    this.#onPrefix(last.position)
  }
}
