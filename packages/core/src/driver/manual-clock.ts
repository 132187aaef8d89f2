import type { Clock, Timer } from './clock.ts'
import { DueHeap, type Due } from './due-heap.ts'

const mostAtOneTime = 1_000_000

/**
 * A clock that moves only when told, for exact tests and repeatable simulations.
 *
 * Timers fire inside `advance`, in the order of their due times and of arming among equal ones; while one fires both
 * readings are exactly its due time. What a timer's callback throws leaves `advance` at that time.
 */
export class ManualClock implements Clock {
  readonly #timers = new DueHeap<ManualTimer>()
  #wallMs: number
  #elapsedMs = 0
  #nextSequence = 0

  /** `startMs`: the first reading of the wall clock. Default: the beginning of 2025, UTC. */
  constructor(startMs: number = Date.UTC(2025, 0, 1)) {
    this.#wallMs = startMs
  }

  now(): number {
    return this.#wallMs + this.#elapsedMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const dueAt = this.#elapsedMs + (delayMs > 0 ? delayMs : 0)
    const timer = new ManualTimer(this.#timers, dueAt, this.#nextSequence++, callback)
    this.#timers.add(timer)
    return timer
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  /** How far the next timer is; `undefined`: there is none. */
  get nextDueInMs(): number | undefined {
    const first = this.#timers.first
    return first === undefined ? undefined : first.dueAt - this.#elapsedMs
  }

  /** Moves both readings on by `ms` and fires what falls due, that which fires anew on the way included. */
  advance(ms: number): void {
    const until = this.#elapsedMs + checked(ms)
    let atOneTime = 0
    for (let timer = this.#timers.first; timer !== undefined && timer.dueAt <= until; timer = this.#timers.first) {
      atOneTime = timer.dueAt > this.#elapsedMs ? 0 : atOneTime + 1
      if (atOneTime > mostAtOneTime) throw new Error(`timers go on firing at ${this.#elapsedMs} ms: time stands still`)
      this.#fire(timer)
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, until)
  }

  /** As `advance`, with a wait for `settle()` before the first and after each time at which timers fire. */
  async advanceAsync(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.#elapsedMs + checked(ms)
    await settle()
    for (let first = this.#timers.first; first !== undefined && first.dueAt <= until; first = this.#timers.first) {
      this.#fireAllAt(first.dueAt, this.#nextSequence)
      await settle()
    }
    this.#elapsedMs = Math.max(this.#elapsedMs, until)
  }

  /** Moves the wall clock alone, in either direction, as an administrator or NTP does. */
  step(ms: number): void {
    this.#wallMs += ms
  }

  #fireAllAt(dueAt: number, firstNew: number): void {
    for (let timer = this.#timers.first; timer !== undefined && timer.dueAt <= dueAt; timer = this.#timers.first) {
      if (timer.sequence >= firstNew) return
      this.#fire(timer)
    }
  }

  #fire(timer: ManualTimer): void {
    this.#timers.remove(timer)
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueAt)
    timer.callback()
  }
}

class ManualTimer implements Timer, Due {
  readonly #timers: DueHeap<ManualTimer>
  readonly callback: () => void
  dueAt: number
  sequence: number
  index = -1

  constructor(timers: DueHeap<ManualTimer>, dueAt: number, sequence: number, callback: () => void) {
    this.#timers = timers
    this.dueAt = dueAt
    this.sequence = sequence
    this.callback = callback
  }

  cancel(): void {
    this.#timers.remove(this)
  }
}

function checked(ms: number): number {
  if (ms >= 0 && Number.isFinite(ms)) return ms
  throw new RangeError(`a clock advances by a number of milliseconds of at least 0, not ${ms}`)
}
