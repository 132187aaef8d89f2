import type { AsyncResource } from 'node:async_hooks'
import { Deque } from './deque.ts'
import type { Clock, Timer } from './driver/clock.ts'
import { abortedError } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import type { SendAnswer } from './send-answer.ts'
import type { SendRequest } from './send-line.ts'
import type { TimerQueue } from './timer-queue.ts'

/** A call of `send` that is next, or soon. */
export interface SubmittedSend extends SendRequest, SendAnswer {
  /** Where it was called, if telemetry wants to know. */
  readonly scope?: AsyncResource | undefined
}

/** Where deadlines are not in the order of the sends, how often all are looked at. */
const lookEveryMs = 10

/**
 * Sends that wait for their turn: for the producer to be ready, for room in the window, for an earlier one to be encoded.
 *
 * They are not encoded yet, and one timer serves all deadlines. Each is rejected at its deadline. Few wait here at a
 * time; the others stand in line behind them (`SendLine`). Conformance: SND-11.
 */
export class WaitingSends {
  readonly #channel: string
  readonly #clock: Clock
  readonly #timers: TimerQueue
  readonly #sends = new Deque<SubmittedSend>()
  /** Rejected before their turn, and still in the queue. */
  readonly #givenUp = new Set<SubmittedSend>()
  /** Lets go of the signals of those that have one. */
  readonly #signals = new Map<SubmittedSend, () => void>()
  #timer: Timer | undefined
  #wakesAt = Infinity
  #lastDeadline = -Infinity
  /** Whether each deadline is at or after the one before, as where all have one timeout. */
  #inOrder = true

  constructor(channel: string, clock: Clock, timers: TimerQueue) {
    this.#channel = channel
    this.#clock = clock
    this.#timers = timers
  }

  /** Those that nobody gave up. */
  get length(): number {
    return this.#sends.length - this.#givenUp.size
  }

  add(send: SubmittedSend): void {
    const { deadlineAt, options } = send
    if (deadlineAt < this.#lastDeadline) this.#inOrder = false
    this.#lastDeadline = deadlineAt
    if (deadlineAt < this.#wakesAt) this.#wakeAt(deadlineAt)
    this.#sends.push(send)
    const signal = options?.signal
    if (signal === undefined) return
    if (signal.aborted) return this.#giveUp(send, abortedError(signal))
    const onAbort = (): void => this.#giveUp(send, abortedError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    this.#signals.set(send, () => signal.removeEventListener('abort', onAbort))
  }

  /** The first that nobody gave up. */
  take(): SubmittedSend | undefined {
    for (let send = this.#shift(); send !== undefined; send = this.#shift()) {
      if (this.#givenUp.size > 0 && this.#givenUp.delete(send)) continue
      this.#release(send)
      return send
    }
    return undefined
  }

  rejectAll(error: unknown): void {
    for (let send = this.take(); send !== undefined; send = this.take()) send.reject(error)
  }

  #shift(): SubmittedSend | undefined {
    const send = this.#sends.shift()
    if (this.#sends.length === 0) this.#rest()
    return send
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakesAt = Infinity
    this.#lastDeadline = -Infinity
    this.#inOrder = true
  }

  #giveUp(send: SubmittedSend, error: MessagingError): void {
    if (this.#givenUp.has(send)) return
    this.#givenUp.add(send)
    this.#release(send)
    send.reject(error)
  }

  #release(send: SubmittedSend): void {
    if (this.#signals.size === 0) return
    this.#signals.get(send)?.()
    this.#signals.delete(send)
  }

  #wakeAt(at: number): void {
    this.#timer?.cancel()
    this.#wakesAt = at
    this.#timer = this.#timers.after(at - this.#clock.monotonic(), this.#onDeadline)
  }

  readonly #onDeadline = (): void => {
    const now = this.#clock.monotonic()
    let next = Infinity
    for (const send of this.#sends) {
      if (send.deadlineAt <= now) this.#giveUp(send, this.#tooLate())
      else if (!this.#givenUp.has(send) && send.deadlineAt < next) next = send.deadlineAt
      if (this.#inOrder && next < Infinity) break
    }
    this.#dropGivenUp()
    this.#wakesAt = Infinity
    if (next < Infinity) this.#wakeAt(this.#inOrder ? next : Math.max(next, now + lookEveryMs))
  }

  /** From the front, so that those that had their answer are not looked at again. */
  #dropGivenUp(): void {
    for (let first = this.#sends.peek(); first !== undefined; first = this.#sends.peek()) {
      if (!this.#givenUp.delete(first)) return
      this.#shift()
    }
  }

  #tooLate(): MessagingError {
    return new MessagingError(
      'timeout',
      `cannot send to "${this.#channel}" before its deadline: the send window stayed full; send less at a time, or allow more time`,
      { channel: this.#channel },
    )
  }
}
