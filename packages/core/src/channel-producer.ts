import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import type { ChannelRoute } from './connection-routes.ts'
import { withHeaders } from './core-headers.ts'
import { Deque } from './deque.ts'
import type { Headers, WireMessage } from './driver/wire-message.ts'
import { abortedError, closedError } from './link.ts'
import type { MessageEncoder } from './message-encoder.ts'
import { MessagingError } from './messaging-error.ts'
import type { Middleware, OutgoingMessage } from './middleware.ts'
import { PendingSend } from './pending-send.ts'
import { toPrepared } from './prepared-message.ts'
import type { PreparedMessage, Receipt, SendOptions } from './producer.ts'
import { asMessagingError, rejectedSends } from './send-failures.ts'
import { sendDelay } from './send-delay.ts'
import type { SendQueue } from './send-queue.ts'
import type { Telemetry } from './telemetry.ts'
import { needOf } from './topology-registry.ts'

export const defaultSendTimeoutMs = 30_000
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

/** A send that waits for its turn: for the producer to be ready, for room in the window, for an earlier one to be encoded. */
interface WaitingSend {
  readonly data: unknown
  readonly options: SendOptions | undefined
  readonly headers: Headers | undefined
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
  readonly deadlineAt: number
  /** Lets go of its timer and its signal. */
  release: () => void
  answered: boolean
}

/**
 * The sending side of one channel: encodes, keeps the order of submission, holds back what the window has no room for.
 *
 * What waits is not encoded yet, so that a blocked broker costs little memory. Conformance: SND-04, SND-08, SND-11, SND-14.
 */
export class ChannelProducer {
  readonly #parts: ProducerParts
  readonly #queue: SendQueue
  readonly #waiting = new Deque<WaitingSend>()
  readonly #limits
  #ready = false
  #encoding = false
  #closed = false
  #lastTurn: Promise<void> | undefined
  #turns = 0
  #endPause = () => {}

  constructor(parts: ProducerParts) {
    this.#parts = parts
    const { connection, channel, ownQueue } = parts
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
      this.#closed = true
      this.#rejectWaiting(error)
      this.#release()
      throw error
    }
    this.#ready = true
    this.#drain()
  }

  send(data: unknown, options?: SendOptions, headers?: Headers): Promise<Receipt> {
    if (this.#closed) return Promise.reject(closedError('the producer'))
    const { signal } = options ?? {}
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    if (this.#parts.middleware.some((each) => each.send !== undefined)) return this.#sendThrough(data, options, headers)
    return this.#submit(data, options, headers)
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

  /** Whether anything still waits for its answer. Those that were told that it is too late do not. */
  get #isBusy(): boolean {
    while (this.#waiting.peek()?.answered) this.#waiting.shift()
    return this.#waiting.length > 0 || this.#encoding || this.#turns > 0 || this.#queue.pending > 0
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
    this.#rejectWaiting(error)
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
    return new Promise((resolve, reject) => {
      if (this.#ready && !this.#encoding && this.#waiting.length === 0 && this.#queue.hasRoom) {
        this.#encode(data, options, headers, this.#deadlineOf(options), resolve, reject)
      } else {
        this.#wait(data, options, headers, resolve, reject)
      }
    })
  }

  #encode(
    data: unknown,
    options: SendOptions | undefined,
    headers: Headers | undefined,
    deadlineAt: number,
    resolve: (receipt: Receipt) => void,
    reject: (error: unknown) => void,
  ): void {
    let wire: WireMessage | Promise<WireMessage>
    try {
      const extras = headers === undefined ? undefined : { headers }
      wire = this.#parts.encoder.encode(this.#parts.channel, data, options, this.#limits, extras)
      if (!(wire instanceof Promise)) {
        this.#enqueue(wire, options, deadlineAt, resolve, reject)
        return
      }
    } catch (error) {
      reject(error)
      return
    }
    this.#encoding = true
    void wire
      .then((encoded) => this.#enqueue(encoded, options, deadlineAt, resolve, reject))
      .catch(reject)
      .then(() => {
        this.#encoding = false
        this.#drain()
      })
  }

  #enqueue(
    encoded: WireMessage,
    options: SendOptions | undefined,
    deadlineAt: number,
    resolve: (receipt: Receipt) => void,
    reject: (error: unknown) => void,
  ): void {
    const { connection, channel, telemetry } = this.#parts
    const delayMs = sendDelay(connection.driver, channel, options?.deliverAt, connection.runtime.clock)
    if (telemetry !== undefined) {
      this.#enqueueObserved(telemetry, encoded, { delayMs, deadlineAt, signal: options?.signal }, resolve, reject)
      return
    }
    const receipt = { id: encoded.id! }
    const send = new PendingSend(
      encoded,
      delayMs,
      deadlineAt,
      () => resolve(receipt),
      (error) => (this.#isHarmless(error) ? resolve(receipt) : reject(error)),
    )
    this.#add(send, options?.signal)
  }

  #enqueueObserved(
    telemetry: Telemetry,
    encoded: WireMessage,
    {
      delayMs,
      deadlineAt,
      signal,
    }: { delayMs: number | undefined; deadlineAt: number; signal: AbortSignal | undefined },
    resolve: (receipt: Receipt) => void,
    reject: (error: unknown) => void,
  ): void {
    const { connection, channel } = this.#parts
    const trace = traceOf(encoded.headers)
    const about = {
      system: connection.driver.system,
      channel: channel.name,
      id: encoded.id!,
      ...(encoded.key === undefined ? {} : { key: encoded.key }),
      bytes: encoded.body?.byteLength ?? 0,
    }
    const observation = telemetry.sending(about, trace)
    const message = { ...encoded, headers: withHeaders(encoded.headers, trace) }
    const receipt = { id: encoded.id! }
    const succeed = () => {
      observation.end()
      resolve(receipt)
    }
    const send = new PendingSend(message, delayMs, deadlineAt, succeed, (error) => {
      if (this.#isHarmless(error)) return succeed()
      observation.end(error)
      reject(error)
    })
    this.#add(send, signal)
  }

  #add(send: PendingSend, signal: AbortSignal | undefined): void {
    this.#queue.add(send)
    if (signal === undefined) return
    const onAbort = () => this.#queue.giveUp(send, abortedError(signal))
    send.onAnswer = () => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
  }

  /** A channel for broadcasts alone may have nobody listening. */
  #isHarmless(error: MessagingError): boolean {
    return error.code === 'unroutable' && this.#parts.channel.groups.length === 0
  }

  #wait(
    data: unknown,
    options: SendOptions | undefined,
    headers: Headers | undefined,
    resolve: (receipt: Receipt) => void,
    reject: (error: unknown) => void,
  ): void {
    const { clock } = this.#parts.connection.runtime
    const deadlineAt = this.#deadlineOf(options)
    const send: WaitingSend = {
      data,
      options,
      headers,
      resolve,
      reject,
      deadlineAt,
      release: () => {},
      answered: false,
    }
    const giveUp = (error: MessagingError) => {
      if (send.answered) return
      send.answered = true
      send.release()
      reject(error)
    }
    const timer = this.#parts.connection.timers.after(deadlineAt - clock.monotonic(), () => giveUp(this.#tooLate()))
    const signal = options?.signal
    const onAbort = () => giveUp(abortedError(signal!))
    signal?.addEventListener('abort', onAbort, { once: true })
    send.release = () => {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
    this.#waiting.push(send)
  }

  readonly #drain = (): void => {
    while (this.#ready && !this.#encoding && this.#waiting.length > 0 && this.#queue.hasRoom) {
      const send = this.#waiting.shift()!
      if (send.answered) continue
      send.answered = true
      send.release()
      this.#encode(send.data, send.options, send.headers, send.deadlineAt, send.resolve, send.reject)
    }
  }

  /** Middleware may take its time; the message keeps the place it had when it was submitted. */
  async #sendThrough(data: unknown, options: SendOptions | undefined, headers: Headers | undefined): Promise<Receipt> {
    const before = this.#lastTurn
    let pass!: () => void
    const turn = new Promise<void>((resolve) => {
      pass = resolve
    })
    this.#lastTurn = turn
    this.#turns++
    let receipt: Receipt | undefined
    const outgoing = { channel: this.#parts.channel.name, data, headers: { ...options?.headers } }
    try {
      await callSendMiddleware(this.#parts.middleware, outgoing, async () => {
        await before
        const sent = this.#submit(data, { ...options, headers: outgoing.headers }, headers)
        pass()
        receipt = await sent
      })
    } catch (error) {
      throw asMessagingError(error, `middleware failed a send to "${outgoing.channel}"`)
    } finally {
      pass()
      this.#turns--
      if (this.#lastTurn === turn) this.#lastTurn = undefined
    }
    if (receipt === undefined) throw notSent(outgoing.channel)
    return receipt
  }

  #deadlineOf(options: SendOptions | undefined): number {
    const timeoutMs = options?.timeoutMs ?? defaultSendTimeoutMs
    if (!(timeoutMs >= 0)) throw new MessagingError('invalidArgument', `timeoutMs must be at least 0, not ${timeoutMs}`)
    return this.#parts.connection.runtime.clock.monotonic() + timeoutMs
  }

  #rejectWaiting(error: unknown): void {
    for (let send = this.#waiting.shift(); send !== undefined; send = this.#waiting.shift()) {
      if (send.answered) continue
      send.answered = true
      send.release()
      send.reject(error)
    }
  }

  #tooLate(): MessagingError {
    const { name } = this.#parts.channel
    return new MessagingError(
      'timeout',
      `cannot send to "${name}" before its deadline: the send window stayed full; send less at a time, or allow more time`,
      { channel: name },
    )
  }
}

function callSendMiddleware(
  middleware: readonly Middleware[],
  outgoing: OutgoingMessage,
  last: () => Promise<void>,
): Promise<void> {
  const call = (index: number): Promise<void> => {
    const each = middleware[index]
    if (each === undefined) return last()
    if (each.send === undefined) return call(index + 1)
    return each.send(outgoing, () => call(index + 1))
  }
  return call(0)
}

/** What the application set itself is left as it is. */
function traceOf({ traceparent, tracestate }: Headers): Record<string, string> {
  const trace = Object.create(null) as Record<string, string>
  if (traceparent !== undefined) trace['traceparent'] = traceparent
  if (tracestate !== undefined) trace['tracestate'] = tracestate
  return trace
}

function notSent(channel: string): MessagingError {
  return new MessagingError('aborted', `a middleware did not pass on a send to "${channel}"`, { channel })
}
