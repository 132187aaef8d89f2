import { Deque } from './deque.ts'
import type { Clock, Timer } from './driver/clock.ts'
import type { Headers } from './driver/wire-message.ts'
import { abortedError } from './link.ts'
import type { Receipt, SendOptions } from './producer.ts'
import type { TimerQueue } from './timer-queue.ts'

/** A call of `send`, not encoded yet. */
export interface SendRequest {
  readonly data: unknown
  readonly options: SendOptions | undefined
  /** Those that only the core may set. */
  readonly headers: Headers | undefined
  readonly deadlineAt: number
  /** Since when it waits, by `clock.monotonic()`, if telemetry wants to know. */
  readonly sinceMs?: number | undefined
}

/** So many go on at a time. */
const sectionSize = 256

class Section {
  readonly requests: SendRequest[] = []
  readonly opened: Promise<void>
  open!: () => void
  /** The earliest of its requests. */
  deadlineAt = Infinity

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }
}

/**
 * Sends behind those that wait for their turn, in the order in which they came.
 *
 * A promise that follows another has half the size of one with functions of its own to settle it. So each send follows
 * the promise of its section, and gets its own functions when that section goes on: when there is room, or when the
 * deadline of one of its sends has come. What a blocked broker costs is mostly this. Conformance: FLT-12.
 */
export class SendLine {
  readonly #goOn: (request: SendRequest) => Promise<Receipt>
  readonly #clock: Clock
  readonly #timers: TimerQueue
  readonly #sections = new Deque<Section>()
  /** Of the sections that were opened: they go on in this order. */
  readonly #leaving = new Deque<SendRequest>()
  #last: Section | undefined
  #length = 0
  #timer: Timer | undefined
  #wakesAt = Infinity

  /** `goOn` is called in the asynchronous context of the call that stood in line. */
  constructor(goOn: (request: SendRequest) => Promise<Receipt>, clock: Clock, timers: TimerQueue) {
    this.#goOn = goOn
    this.#clock = clock
    this.#timers = timers
  }

  get length(): number {
    return this.#length
  }

  /** Whether a section was opened whose sends are not all gone on. */
  get isMoving(): boolean {
    return this.#leaving.length > 0
  }

  join(request: SendRequest): Promise<Receipt> {
    const { signal } = request.options ?? {}
    const answer = this.#stand(request)
    return signal === undefined ? answer : unlessAborted(answer, signal)
  }

  /** Lets the first section go on. */
  advance(): void {
    const section = this.#sections.shift()
    if (section === undefined) return
    if (section === this.#last) this.#last = undefined
    for (const request of section.requests) this.#leaving.push(request)
    section.open()
    if (this.#sections.length > 0) return
    this.#timer?.cancel()
    this.#wakesAt = Infinity
  }

  /** Lets all go on. */
  empty(): void {
    while (this.#sections.length > 0) this.advance()
  }

  #stand(request: SendRequest): Promise<Receipt> {
    let section = this.#last
    if (section === undefined || section.requests.length >= sectionSize) {
      section = this.#last = new Section()
      this.#sections.push(section)
    }
    section.requests.push(request)
    this.#length++
    const { deadlineAt } = request
    if (deadlineAt < section.deadlineAt) section.deadlineAt = deadlineAt
    if (deadlineAt < this.#wakesAt) this.#wakeAt(deadlineAt)
    return section.opened.then(this.#next)
  }

  /** The reactions of a promise run in the order in which they were added, and so each finds its own request. */
  readonly #next = (): Promise<Receipt> => {
    this.#length--
    return this.#goOn(this.#leaving.shift() as SendRequest)
  }

  #wakeAt(at: number): void {
    this.#timer?.cancel()
    this.#wakesAt = at
    this.#timer = this.#timers.after(at - this.#clock.monotonic(), this.#onDeadline)
  }

  /** Who is too late is told so by those that wait; the ones before it must not be overtaken. */
  readonly #onDeadline = (): void => {
    const now = this.#clock.monotonic()
    let due = 0
    let place = 0
    let next = Infinity
    for (const { deadlineAt } of this.#sections) {
      place++
      if (deadlineAt <= now) {
        due = place
        next = Infinity
      } else if (deadlineAt < next) next = deadlineAt
    }
    this.#wakesAt = Infinity
    for (; due > 0; due--) this.advance()
    if (next < Infinity) this.#wakeAt(next)
  }
}

/** Rejects at once; the send itself is given up when its turn comes. */
function unlessAborted(answer: Promise<Receipt>, signal: AbortSignal): Promise<Receipt> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    const release = (): void => signal.removeEventListener('abort', onAbort)
    answer.then(
      (receipt) => {
        release()
        resolve(receipt)
      },
      (error: unknown) => {
        release()
        reject(error)
      },
    )
  })
}
