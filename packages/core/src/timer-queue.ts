import type { Clock, Timer } from './driver/clock.ts'
import { DueHeap, type Due } from './driver/due-heap.ts'
import { throwLater } from './driver/throw-later.ts'

/**
 * Many timers on one timer of the clock.
 *
 * Timers of one delay stand in one list, in the order of their due times by themselves, so adding and cancelling cost
 * the same however many there are. Never early; in the order of due times, and of adding among equal ones. What a
 * callback throws surfaces as an uncaught exception and stops no other timer. A timer added by a callback waits for the
 * clock's next turn, even when it is due at once.
 *
 * Measures by `clock.monotonic()`. Holds a timer of the clock only while it has timers of its own.
 */
export class TimerQueue {
  readonly #schedule: Schedule

  constructor(clock: Clock) {
    this.#schedule = new Schedule(clock)
  }

  /** Timers that have neither fired nor been cancelled. */
  get size(): number {
    return this.#schedule.size
  }

  /** Calls `callback` once, not before `delayMs` have passed, unless cancelled. Negative delays and NaN mean 0. */
  after(delayMs: number, callback: () => void): Timer {
    return this.#schedule.add(delayMs > 0 ? delayMs : 0, callback)
  }

  /** Cancels all. */
  clear(): void {
    this.#schedule.clear()
  }
}

class QueuedTimer implements Timer {
  readonly dueAt: number
  readonly sequence: number
  readonly callback: () => void
  list: DelayList | undefined
  previous: QueuedTimer | undefined
  next: QueuedTimer | undefined

  constructor(list: DelayList, dueAt: number, sequence: number, callback: () => void) {
    this.list = list
    this.dueAt = dueAt
    this.sequence = sequence
    this.callback = callback
    this.previous = list.last
    this.next = undefined
  }

  cancel(): void {
    this.list?.schedule.remove(this)
  }
}

/** The timers of one delay. In the heap it stands for its first timer, or for an earlier one that was cancelled. */
class DelayList implements Due {
  readonly schedule: Schedule
  readonly delayMs: number
  dueAt = 0
  sequence = 0
  index = -1
  first: QueuedTimer | undefined
  last: QueuedTimer | undefined

  constructor(schedule: Schedule, delayMs: number) {
    this.schedule = schedule
    this.delayMs = delayMs
  }

  append(timer: QueuedTimer): void {
    if (this.last === undefined) this.first = timer
    else this.last.next = timer
    this.last = timer
  }

  unlink(timer: QueuedTimer): void {
    const { previous, next } = timer
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    timer.list = timer.previous = timer.next = undefined
  }
}

class Schedule {
  readonly #clock: Clock
  readonly #lists = new Map<number, DelayList>()
  readonly #heap = new DueHeap<DelayList>()
  readonly #wake = () => this.#fire()
  #nextSequence = 0
  #armed: Timer | undefined
  #armedFor = Infinity
  #firing = false
  size = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(delayMs: number, callback: () => void): QueuedTimer {
    const now = this.#clock.monotonic()
    const list = this.#lists.get(delayMs) ?? this.#newList(delayMs)
    const timer = new QueuedTimer(list, now + delayMs, this.#nextSequence++, callback)
    list.append(timer)
    this.size++
    if (list.index < 0) this.#enter(list, timer, now)
    return timer
  }

  remove(timer: QueuedTimer): void {
    const list = timer.list as DelayList
    list.unlink(timer)
    this.size--
    if (list.first === undefined) this.#drop(list)
    if (this.size === 0) this.#disarm()
  }

  clear(): void {
    for (const list of [...this.#lists.values()]) while (list.first !== undefined) this.remove(list.first)
  }

  #newList(delayMs: number): DelayList {
    const list = new DelayList(this, delayMs)
    this.#lists.set(delayMs, list)
    return list
  }

  #enter(list: DelayList, first: QueuedTimer, now: number): void {
    list.dueAt = first.dueAt
    list.sequence = first.sequence
    this.#heap.add(list)
    if (first.dueAt < this.#armedFor && !this.#firing) this.#arm(first.dueAt, now)
  }

  #drop(list: DelayList): void {
    this.#heap.remove(list)
    this.#lists.delete(list.delayMs)
  }

  #arm(dueAt: number, now: number): void {
    this.#armed?.cancel()
    this.#armedFor = dueAt
    this.#armed = this.#clock.after(dueAt - now, this.#wake)
  }

  #disarm(): void {
    this.#armed?.cancel()
    this.#armed = undefined
    this.#armedFor = Infinity
  }

  /** The clock's promise counts as well as its reading: rounding must not leave a timer due and yet not due. */
  #fire(): void {
    const now = Math.max(this.#clock.monotonic(), this.#armedFor)
    const firstNew = this.#nextSequence
    this.#disarm()
    this.#firing = true
    for (let timer = this.#first(); timer !== undefined; timer = this.#first()) {
      if (timer.dueAt > now || timer.sequence >= firstNew) break
      this.remove(timer)
      call(timer.callback)
    }
    this.#firing = false
    const next = this.#first()
    if (next !== undefined) this.#arm(next.dueAt, this.#clock.monotonic())
  }

  /** The first timer of all. Puts lists right that lost their first one since they were last looked at. */
  #first(): QueuedTimer | undefined {
    for (;;) {
      const list = this.#heap.first
      const first = list?.first
      if (list === undefined || first === undefined || list.sequence === first.sequence) return first
      list.dueAt = first.dueAt
      list.sequence = first.sequence
      this.#heap.moved(list)
    }
  }
}

function call(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    throwLater(error)
  }
}
