import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import type { ChannelRoute } from './connection-routes.ts'
import { coreHeader, withHeaders } from './core-headers.ts'
import type { Timer } from './driver/clock.ts'
import type { Delivery, DriverConnection, Listener, Settlement } from './driver/driver.ts'
import { noHeaders } from './driver/header-table.ts'
import type { Headers } from './driver/wire-message.ts'
import { abortedError, closedError } from './link.ts'
import { decode } from './message-decoder.ts'
import { MessagingError } from './messaging-error.ts'
import type { TopologyNeed } from './topology-registry.ts'
import { wrapError } from './wrap-error.ts'

/** Where replies go: a channel that nobody sends to as a whole, only to the temporary group of one requester. */
export const replyChannel = 'waybill.replies'

const relistenMs = 200

export const replyNeed: TopologyNeed = { name: replyChannel, keyed: false, groups: [] }

/** On the connection of the request channel, but not at its addresses and not by its settings. */
export function replyRoute({ connection, provision }: ChannelRoute): ChannelRoute {
  return { connection, provision, contentMode: 'binary', groups: {}, settings: {} }
}

interface PendingRequest {
  readonly channel: ChannelDefinition
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
  readonly timer: Timer
}

/**
 * The requests of one connection and the temporary group that their replies come back to.
 *
 * Conformance: SCH-05.
 */
export class Requester {
  /** Replies that came after their request had ended. */
  lateReplies = 0
  readonly #connection: Connection
  readonly #group: string
  readonly #pending = new Map<string, PendingRequest>()
  #starting: Promise<void> | undefined
  #listener: Listener | undefined
  #closed = false

  constructor(connection: Connection, group: string) {
    this.#connection = connection
    this.#group = group
  }

  /** Listens for replies. Later calls share the first one's outcome; a failure may be tried again. */
  start(route: ChannelRoute): Promise<void> {
    this.#starting ??= this.#start(route).catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  /** The headers of a request, by which its reply finds back. */
  headers(): Headers {
    return withHeaders(noHeaders, { [coreHeader.replyTo]: this.#group })
  }

  /** Resolves with the decoded reply to the request of that id, once `send` has sent it. */
  request(
    channel: ChannelDefinition,
    id: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    send: () => Promise<unknown>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError())
      const timer = this.#connection.timers.after(timeoutMs, () => fail(noReply(channel, timeoutMs)))
      const end = () => {
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        this.#pending.delete(id)
      }
      const fail = (error: unknown) => {
        end()
        reject(error)
      }
      const onAbort = () => fail(abortedError(signal!))
      signal?.addEventListener('abort', onAbort, { once: true })
      const succeed = (reply: unknown) => {
        end()
        resolve(reply)
      }
      this.#pending.set(id, { channel, resolve: succeed, reject: fail, timer })
      send().catch(fail)
    })
  }

  /** A new epoch: the temporary group went with the old one. */
  attach(connection: DriverConnection): void {
    if (this.#starting === undefined) return
    this.#listen(connection).catch((error: unknown) =>
      this.#connection.fault(wrapError(this.#connection.driver, error, 'cannot listen for replies')),
    )
  }

  detach(): void {
    this.#listener = undefined
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#connection.detach(this)
    for (const { reject } of [...this.#pending.values()]) reject(closedError())
    await this.#listener?.drain().catch(() => {})
  }

  async #start(route: ChannelRoute): Promise<void> {
    await this.#connection.provision(replyNeed, replyRoute(route), 'create')
    const connection = await this.#connection.receiving.whenUp()
    await this.#listen(connection)
    this.#connection.attach(this)
  }

  async #listen(connection: DriverConnection): Promise<void> {
    if (this.#listener !== undefined) return
    const source = { channel: replyChannel, group: this.#group }
    const listener = await connection.listen({ source, order: 'none', maxInFlight: 256, temporary: true }, (delivery) =>
      this.#onReply(delivery),
    )
    this.#listener = listener
    void listener.ended.then(() => this.#listenAgain(connection, listener))
  }

  /** Cancelled by the broker while connected. */
  #listenAgain(connection: DriverConnection, listener: Listener): void {
    if (this.#closed || this.#listener !== listener || this.#connection.receiving.connection !== connection) return
    this.#listener = undefined
    this.#connection.timers.after(relistenMs, () => {
      if (this.#connection.receiving.connection === connection) this.attach(connection)
    })
  }

  async #onReply({ message }: Delivery): Promise<Settlement> {
    const id = message.extensions['correlationid'] ?? ''
    const pending = this.#pending.get(id)
    if (pending === undefined) this.#tooLate(id)
    else {
      try {
        const { channel } = pending
        const reply = { ...channel, contracts: new Map([[channel.type, channel.reply!]]), several: false }
        pending.resolve((await decode(reply, message)).data)
      } catch (error) {
        pending.reject(error)
      }
    }
    return { kind: 'accept' }
  }

  #tooLate(id: string): void {
    this.lateReplies++
    const what = `a reply came after its request had ended; dropped (${this.lateReplies} so far)`
    this.#connection.fault(new MessagingError('timeout', what), { channel: replyChannel, messageId: id })
  }
}

function noReply(channel: ChannelDefinition, timeoutMs: number): MessagingError {
  return new MessagingError('timeout', `no reply to a request on "${channel.name}" within ${timeoutMs} ms`, {
    channel: channel.name,
  })
}
