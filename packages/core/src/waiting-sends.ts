import type { AsyncResource } from 'node:async_hooks'
import { Deque } from './deque.ts'
import type { Clock } from './driver/clock.ts'
import type { Headers } from './driver/wire-message.ts'
import { abortedError } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import type { SendOptions } from './producer.ts'
import type { SendAnswer } from './send-answer.ts'
import type { TimerQueue } from './timer-queue.ts'

/** A call of `send`, not encoded yet. */
export interface SubmittedSend extends SendAnswer {
  readonly data: unknown
  readonly options: SendOptions | undefined
  /** Those that only the core may set. */
  readonly headers: Headers | undefined
  readonly deadlineAt: number
  /** Since when it waits, by `clock.monotonic()`, and where it was called: only telemetry asks. */
  readonly waiting?: { readonly sinceMs: number; readonly scope: AsyncResource } | undefined
}

interface Waiter {
  readonly send: SubmittedSend
  /** Lets go of its timer and its signal. */
  readonly release: () => void
  answered: boolean
}

/**
 * Sends that wait for their turn: for the producer to be ready, for room in the window, for an earlier one to be encoded.
 *
 * They are not encoded yet, so that a blocked broker costs little memory. Each is rejected at its deadline.
 */
export class WaitingSends {
  readonly #channel: string
  readonly #clock: Clock
  readonly #timers: TimerQueue
  readonly #waiters = new Deque<Waiter>()

  constructor(channel: string, clock: Clock, timers: TimerQueue) {
    this.#channel = channel
    this.#clock = clock
    this.#timers = timers
  }

  /** Those that were given up included, until their turn. */
  get length(): number {
    return this.#waiters.length
  }

  add(send: SubmittedSend): void {
    const { deadlineAt, options } = send
    const giveUp = (error: MessagingError): void => {
      if (this.#answer(waiter)) send.reject(error)
    }
    const timer = this.#timers.after(deadlineAt - this.#clock.monotonic(), () => giveUp(this.#tooLate()))
    const signal = options?.signal
    const onAbort = (): void => giveUp(abortedError(signal!))
    signal?.addEventListener('abort', onAbort, { once: true })
    const release = (): void => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    const waiter: Waiter = { send, release, answered: false }
    this.#waiters.push(waiter)
  }

  /** The first that nobody gave up. */
  take(): SubmittedSend | undefined {
    for (let waiter = this.#waiters.shift(); waiter !== undefined; waiter = this.#waiters.shift()) {
      if (this.#answer(waiter)) return waiter.send
    }
    return undefined
  }

  rejectAll(error: unknown): void {
    for (let send = this.take(); send !== undefined; send = this.take()) send.reject(error)
  }

  /** False when it has its answer already. */
  #answer(waiter: Waiter): boolean {
    if (waiter.answered) return false
    waiter.answered = true
    waiter.release()
    return true
  }

  #tooLate(): MessagingError {
    return new MessagingError(
      'timeout',
      `cannot send to "${this.#channel}" before its deadline: the send window stayed full; send less at a time, or allow more time`,
      { channel: this.#channel },
    )
  }
}
