import { backoffMs } from './driver/backoff.ts'
import type { Timer } from './driver/clock.ts'
import type { Address, Driver, SendFailure } from './driver/driver.ts'
import { abortedError, closedError, type Link } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import { type PendingSend, PendingSendList } from './pending-send.ts'
import { ReadySends } from './ready-sends.ts'
import type { Runtime } from './runtime.ts'
import { SendDeadline } from './send-deadline.ts'
import { wrapError } from './wrap-error.ts'

/** Sends not answered yet, per address: beyond either, senders wait their turn. */
export const sendWindow = { count: 2_048, bytes: 16 * 1024 * 1024 }

export interface SendQueueOptions {
  readonly address: Address
  readonly keyed: boolean
  readonly driver: Driver
  readonly link: Link
  readonly runtime: Runtime
  /** A send failed because something that was provisioned is not there any more. */
  readonly onMissing: () => void
  /** Nothing is on its way any more, nor waits to be. */
  readonly onIdle: (() => void) | undefined
}

/**
 * The sends to one address: batched while the broker is busy, resent in order after a failure or in the next epoch,
 * rejected at their deadline, never resolved but by the broker's confirmation.
 *
 * Conformance: SND-01, SND-02, SND-04, SND-09, SND-10, SND-11, FLT-15.
 */
export class SendQueue {
  readonly address: Address
  readonly #driver: Driver
  readonly #link: Link
  readonly #runtime: Runtime
  readonly #onMissing: () => void
  readonly #onIdle: (() => void) | undefined
  readonly #keyed: boolean
  readonly #serial: boolean
  readonly #pending = new PendingSendList()
  readonly #ready: ReadySends
  readonly #deadline: SendDeadline
  #batches = 0
  #seq = 0
  #flushing = false
  #pumping = false
  /** A keyed send failed: what was handed over behind it must answer before anything goes out, or it is overtaken. */
  #awaitsAnswers = false
  #failures = 0
  #backoff: Timer | undefined
  #whenSettled: (() => void)[] = []
  #onRoom: (() => void)[] = []

  constructor(options: SendQueueOptions) {
    this.address = options.address
    this.#driver = options.driver
    this.#link = options.link
    this.#runtime = options.runtime
    this.#onMissing = options.onMissing
    this.#onIdle = options.onIdle
    this.#keyed = options.keyed
    this.#serial = options.keyed && options.driver.capabilities.send.keyed === 'serial'
    this.#ready = new ReadySends({ ...options.driver.capabilities.send, serial: this.#serial })
    this.#deadline = new SendDeadline(options.runtime.clock, this.#pending, (send) =>
      this.giveUp(send, this.#tooLate()),
    )
  }

  get hasRoom(): boolean {
    return this.#pending.count < sendWindow.count && this.#pending.bytes < sendWindow.bytes
  }

  get pending(): number {
    return this.#pending.count
  }

  /** Takes the send's order before it returns. Given up when `signal` aborts. */
  add(send: PendingSend, signal?: AbortSignal): void {
    if (signal !== undefined) this.#watch(send, signal)
    send.seq = ++this.#seq
    this.#pending.add(send)
    this.#deadline.watch(send)
    this.#ready.add(send)
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(this.#flush)
  }

  /** The caller no longer waits. What is on its way may still arrive. */
  giveUp(send: PendingSend, error: MessagingError): void {
    if (send.answered) return
    this.#answer(send)
    send.reject(error)
  }

  /** The send link is up again, or the broker unblocked. */
  readonly wake = (): void => {
    this.#backoff?.cancel()
    this.#backoff = undefined
    this.#pump()
  }

  /** The broker will not have us: waiting is in vain. */
  fail(error: MessagingError): void {
    for (let send = this.#pending.first; send !== undefined; send = this.#pending.first) this.giveUp(send, error)
  }

  /** Calls `onRoom` when the window has room again. */
  listen(onRoom: () => void): void {
    this.#onRoom.push(onRoom)
  }

  unlisten(onRoom: () => void): void {
    this.#onRoom = this.#onRoom.filter((each) => each !== onRoom)
  }

  /** Resolves once nothing is pending, or in the next turn when nothing is. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pending.count === 0) this.#runtime.clock.after(0, resolve)
      else this.#whenSettled.push(resolve)
    })
  }

  close(): void {
    this.fail(closedError())
    this.#backoff?.cancel()
    this.#deadline.stop()
  }

  #watch(send: PendingSend, signal: AbortSignal): void {
    const onAbort = (): void => this.giveUp(send, abortedError(signal))
    send.onAnswer = () => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
  }

  readonly #flush = (): void => {
    this.#flushing = false
    this.#pump()
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    const { maxBatchesInFlight } = this.#driver.capabilities.send
    while (this.#ready.length > 0 && this.#batches < maxBatchesInFlight && this.#mayHand()) {
      const batch = this.#ready.take()
      if (batch.length > 0) this.#hand(batch)
    }
    this.#pumping = false
  }

  #mayHand(): boolean {
    return (
      !this.#awaitsAnswers &&
      this.#backoff === undefined &&
      !this.#link.isBlocked &&
      this.#link.connection !== undefined
    )
  }

  #hand(batch: PendingSend[]): void {
    this.#batches++
    let left = batch.length
    let hasFailure = false
    let failed: PendingSend[] | undefined
    this.#link.connection!.send(this.address, batch, (index, failure) => {
      const send = batch[index]
      if (send === undefined || !send.inFlight) return
      send.inFlight = false
      if (failure === undefined) this.#confirmed(send)
      else {
        hasFailure = true
        if (this.#mayResend(send, failure)) (failed ??= []).push(send)
      }
      if (--left > 0) return
      if (--this.#batches === 0) this.#awaitsAnswers = false
      else if (hasFailure && this.#keyed && !this.#serial) this.#awaitsAnswers = true
      this.#ready.release(batch)
      if (failed !== undefined) this.#again(failed)
      else if (this.#failures > 0) this.#failures = 0
      if (this.#ready.length > 0 && !this.#flushing) this.#pump()
      this.#tellIdle()
    })
  }

  #confirmed(send: PendingSend): void {
    if (send.answered) return
    this.#answer(send)
    send.resolve({ id: send.message.id! })
  }

  #mayResend(send: PendingSend, failure: SendFailure): boolean {
    if (send.answered) return false
    const error = this.#describe(failure)
    if (error.retryable) return true
    if (error.code === 'notFound' || error.code === 'unroutable') this.#onMissing()
    this.giveUp(send, error)
    return false
  }

  #describe({ error }: SendFailure): MessagingError {
    const { channel, group } = this.address
    const where = group === undefined ? `"${channel}"` : `group "${group}" of "${channel}"`
    return wrapError(this.#driver, error, `cannot send to ${where}`, {
      channel,
      ...(group === undefined ? {} : { group }),
    })
  }

  /** Once more, after a little wait. */
  #again(failed: readonly PendingSend[]): void {
    this.#ready.putBack(failed)
    if (this.#link.connection === undefined || this.#backoff !== undefined) return
    this.#backoff = this.#runtime.clock.after(backoffMs(++this.#failures, this.#runtime.random), this.wake)
  }

  #answer(send: PendingSend): void {
    send.answered = true
    const wasFull = !this.hasRoom
    this.#pending.remove(send)
    send.onAnswer?.()
    if (wasFull && this.hasRoom) for (const onRoom of this.#onRoom) onRoom()
    if (this.#pending.count > 0) return
    for (const done of this.#whenSettled.splice(0)) done()
    this.#tellIdle()
  }

  /** A batch whose sends were all given up is still on its way. */
  #tellIdle(): void {
    if (this.#batches === 0 && this.#pending.count === 0) this.#onIdle?.()
  }

  #tooLate(): MessagingError {
    const { channel } = this.address
    const { lastError } = this.#link
    const why = lastError === undefined ? 'the broker did not confirm in time' : `no connection: ${lastError.message}`
    return new MessagingError(
      'timeout',
      `cannot send to "${channel}" before its deadline: ${why}; it may still arrive`,
      {
        channel,
        system: this.#driver.system,
        ...(lastError === undefined ? {} : { cause: lastError }),
      },
    )
  }
}
