import { AsyncResource } from 'node:async_hooks'
import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import type { ChannelRoute } from './connection-routes.ts'
import { inContentMode } from './content-mode.ts'
import type { Headers, WireMessage } from './driver/wire-message.ts'
import { abortedError, closedError } from './link.ts'
import type { MessageEncoder } from './message-encoder.ts'
import { MessagingError } from './messaging-error.ts'
import type { Middleware, OutgoingMessage } from './middleware.ts'
import { PendingSend } from './pending-send.ts'
import { observedSend, unlessUnheard, type SendAnswer } from './send-answer.ts'
import { toPrepared } from './prepared-message.ts'
import type { PreparedMessage, Receipt, SendOptions } from './producer.ts'
import { asMessagingError, rejectedSends } from './send-failures.ts'
import { sendDelay } from './send-delay.ts'
import { SendLine, type SendRequest } from './send-line.ts'
import type { SendQueue } from './send-queue.ts'
import { SendTurns } from './send-turns.ts'
import type { Telemetry } from './telemetry.ts'
import { needOf } from './topology-registry.ts'
import { type SubmittedSend, WaitingSends } from './waiting-sends.ts'

export const defaultSendTimeoutMs = 30_000
/** Those that wait beyond this stand in line, where one costs half as much memory and a little more time. */
const mostWaiting = 2_048
/** How often closing looks whether what waits has become a send. */
const closePollMs = 5

export interface ProducerParts {
  readonly connection: Connection
  readonly channel: ChannelDefinition
  readonly route: ChannelRoute
  readonly encoder: MessageEncoder
  readonly middleware: readonly Middleware[]
  readonly telemetry: Telemetry | undefined
  /** A queue, and so a window, of its own; otherwise the one all senders of the channel share. */
  readonly ownQueue: boolean
}

/**
 * The sending side of one channel: encodes, keeps the order of submission, holds back what the window has no room for.
 *
 * What waits is not encoded yet, so that a blocked broker costs little memory. Conformance: SND-04, SND-08, SND-11, SND-14.
 */
export class ChannelProducer {
  readonly #parts: ProducerParts
  readonly #queue: SendQueue
  readonly #waiting: WaitingSends
  readonly #line: SendLine
  readonly #turns = new SendTurns()
  readonly #stages: readonly Middleware[]
  readonly #limits
  #ready = false
  #encoding = false
  #closed = false
  #abandonedFor: unknown
  #endPause = () => {}

  constructor(parts: ProducerParts) {
    this.#parts = parts
    const { connection, channel, middleware, ownQueue } = parts
    const { clock } = connection.runtime
    this.#waiting = new WaitingSends(channel.name, clock, connection.timers)
    this.#line = new SendLine((request) => this.#goOn(request), clock, connection.timers)
    this.#stages = middleware.filter((each) => each.send !== undefined)
    this.#limits = connection.driver.capabilities
    const address = { channel: channel.name }
    this.#queue = ownQueue ? connection.newQueue(address, channel.keyed) : connection.queueFor(address, channel.keyed)
    if (ownQueue) connection.own(this.#queue)
    this.#queue.listen(this.#drain)
  }

  /** Provisions the channel. What was sent meanwhile goes out then, or is rejected with the same error. */
  async start(): Promise<void> {
    const { connection, channel, route } = this.#parts
    try {
      await connection.provision(needOf(channel), route)
    } catch (error) {
      this.abandon(error)
      throw error
    }
    this.#ready = true
    this.#drain()
  }

  send(data: unknown, options?: SendOptions, headers?: Headers): Promise<Receipt> {
    if (this.#closed) return Promise.reject(closedError('the producer'))
    const { signal } = options ?? {}
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    return this.#stages.length === 0 ? this.#submit(data, options, headers) : this.#sendThrough(data, options, headers)
  }

  async sendAll(data: readonly unknown[], options?: SendOptions, headers?: Headers): Promise<readonly Receipt[]> {
    const { name } = this.#parts.channel
    return await rejectedSends(
      data.map((each) => this.send(each, options, headers)),
      `cannot send all to "${name}"`,
    )
  }

  async prepare(data: unknown, options?: SendOptions, headers?: Headers): Promise<PreparedMessage> {
    const { channel, encoder, connection } = this.#parts
    sendDelay(connection.driver, channel, options?.deliverAt, connection.runtime.clock)
    const extras = headers === undefined ? undefined : { headers }
    const wire = await encoder.encode(channel, data, options, this.#limits, extras)
    return toPrepared(channel, wire, options?.deliverAt)
  }

  /** Resolves once all that was accepted is confirmed or rejected. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#isBusy) await (this.#queue.pending > 0 ? this.#queue.settled() : this.#pause())
    this.#release()
  }

  /** Whether anything still waits for its answer. */
  get #isBusy(): boolean {
    const waiting = this.#waiting.length + this.#line.length + this.#turns.count
    return waiting > 0 || this.#encoding || this.#queue.pending > 0
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.connection.runtime.clock.after(closePollMs, resolve)
      this.#endPause = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  /** Rejects what still waits. */
  abandon(error: unknown): void {
    this.#closed = true
    this.#abandonedFor = error
    this.#waiting.rejectAll(error)
    this.#line.empty()
    this.#release()
    this.#endPause()
  }

  #release(): void {
    this.#queue.unlisten(this.#drain)
    if (!this.#parts.ownQueue) return
    this.#queue.close()
    this.#parts.connection.disown(this.#queue)
  }

  #submit(data: unknown, options: SendOptions | undefined, headers: Headers | undefined): Promise<Receipt> {
    if (this.#line.length > 0 || this.#waiting.length >= mostWaiting) return this.#standInLine(data, options, headers)
    return new Promise((resolve, reject) => {
      const send = { data, options, headers, deadlineAt: this.#deadlineOf(options), resolve, reject }
      if (this.#ready && !this.#encoding && this.#waiting.length === 0 && this.#queue.hasRoom) this.#encode(send)
      else this.#wait(send)
    })
  }

  #standInLine(...[data, options, headers]: Parameters<ChannelProducer['send']>): Promise<Receipt> {
    try {
      const request = { data, options, headers, deadlineAt: this.#deadlineOf(options) }
      return this.#line.join(this.#isObserved ? { ...request, sinceMs: this.#nowMs } : request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #goOn(request: SendRequest): Promise<Receipt> {
    if (this.#abandonedFor !== undefined) return Promise.reject(this.#abandonedFor)
    return new Promise((resolve, reject) => {
      this.#wait({ ...request, resolve, reject })
      this.#drain()
    })
  }

  #wait(send: SubmittedSend): void {
    if (!this.#isObserved) return this.#waiting.add(send)
    this.#waiting.add({ sinceMs: this.#nowMs, ...send, scope: new AsyncResource('waybill.send') })
  }

  get #isObserved(): boolean {
    return this.#parts.telemetry !== undefined
  }

  get #nowMs(): number {
    return this.#parts.connection.runtime.clock.monotonic()
  }

  readonly #drain = (): void => {
    while (this.#ready && !this.#encoding && this.#waiting.length > 0 && this.#queue.hasRoom) {
      const send = this.#waiting.take()
      if (send === undefined) break
      if (send.scope === undefined) this.#encode(send)
      else send.scope.runInAsyncScope(() => this.#encode(send))
    }
    if (this.#waiting.length < mostWaiting && !this.#line.isMoving) this.#line.advance()
  }

  #encode(send: SubmittedSend): void {
    const { encoder, channel } = this.#parts
    let wire: WireMessage | Promise<WireMessage>
    try {
      const extras = send.headers === undefined ? undefined : { headers: send.headers }
      wire = encoder.encode(channel, send.data, send.options, this.#limits, extras)
      if (!(wire instanceof Promise)) return this.#enqueue(send, wire)
    } catch (error) {
      return send.reject(error)
    }
    this.#encoding = true
    void wire
      .then((encoded) => this.#enqueue(send, encoded))
      .catch(send.reject)
      .then(() => {
        this.#encoding = false
        this.#drain()
      })
  }

  #enqueue(send: SubmittedSend, encoded: WireMessage): void {
    const { connection, channel, telemetry } = this.#parts
    const { clock } = connection.runtime
    const delayMs = sendDelay(connection.driver, channel, send.options?.deliverAt, clock)
    let message = inContentMode(encoded, this.#parts.route, this.#limits, channel.name)
    let { resolve, reject }: SendAnswer = send
    if (telemetry !== undefined) {
      const waitedMs = send.sinceMs === undefined ? 0 : this.#nowMs - send.sinceMs
      const about = { system: connection.driver.system, channel: channel.name, waitedMs }
      ;({ message, resolve, reject } = observedSend(telemetry, about, send, message))
    }
    if (channel.groups.length === 0) reject = unlessUnheard({ resolve, reject }, message)
    this.#queue.add(new PendingSend(message, delayMs, send.deadlineAt, resolve, reject), send.options?.signal)
  }

  /** Middleware may take its time; the message keeps the place it had when it was submitted. */
  #sendThrough(data: unknown, options: SendOptions | undefined, headers: Headers | undefined): Promise<Receipt> {
    const { name } = this.#parts.channel
    const outgoing = { channel: name, data, headers: { ...options?.headers } }
    const turn = this.#turns.take()
    let receipt: Receipt | undefined
    const submit = (): Promise<void> =>
      this.#submit(data, { ...options, headers: outgoing.headers }, headers).then((confirmed) => {
        receipt = confirmed
      })
    return callStage(this.#stages, 0, outgoing, () => this.#turns.run(turn, submit)).then(
      () => {
        this.#turns.pass(turn)
        if (receipt === undefined) throw notSent(name)
        return receipt
      },
      (error: unknown) => {
        this.#turns.pass(turn)
        throw asMessagingError(error, `middleware failed a send to "${name}"`)
      },
    )
  }

  #deadlineOf(options: SendOptions | undefined): number {
    const timeoutMs = options?.timeoutMs ?? defaultSendTimeoutMs
    if (!(timeoutMs >= 0)) throw new MessagingError('invalidArgument', `timeoutMs must be at least 0, not ${timeoutMs}`)
    return this.#nowMs + timeoutMs
  }
}

function callStage(
  stages: readonly Middleware[],
  index: number,
  outgoing: OutgoingMessage,
  last: () => Promise<void>,
): Promise<void> {
  const stage = stages[index]
  if (stage === undefined) return last()
  try {
    return stage.send!(outgoing, () => callStage(stages, index + 1, outgoing, last))
  } catch (error) {
    return Promise.reject(error)
  }
}

function notSent(channel: string): MessagingError {
  return new MessagingError('aborted', `a middleware did not pass on a send to "${channel}"`, { channel })
}
