import type { ChannelConsumer } from './channel-consumer.ts'
import { defaultDrainMs } from './channel-consumer.ts'
import { ChannelProducer } from './channel-producer.ts'
import { definitionOf, type Channel, type ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import type { ResolvedConfiguration } from './connection-routes.ts'
import { ConsumerFactory } from './consumer-factory.ts'
import { withDeadline } from './deadline.ts'
import { DeadLetterBrowser } from './dead-letter-browser.ts'
import type { DeadLetters } from './dead-letters.ts'
import { checkChannel, checkGroup, checkTemporary } from './demands.ts'
import type { Headers } from './driver/wire-message.ts'
import { checkKnown } from './known-options.ts'
import { abortedError, closedError } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import type { MessagingParts, Site } from './messaging-parts.ts'
import type { Messaging } from './messaging.ts'
import { PreparedSender } from './prepared-sender.ts'
import type { PreparedMessage, Producer, Receipt, SendOptions } from './producer.ts'
import { Requester } from './requester.ts'
import { needOf } from './topology-registry.ts'

const sendOptions = ['id', 'key', 'headers', 'correlationId', 'deliverAt', 'expiresInMs', 'timeoutMs', 'signal']

/** The application's way in: finds the connection of a channel and hands the work on. */
export class MessagingClient implements Messaging {
  readonly #parts: MessagingParts
  readonly #configuration: ResolvedConfiguration
  readonly #connections: ReadonlyMap<string, Connection>
  readonly #producers = new Map<ChannelDefinition, ChannelProducer>()
  readonly #ownProducers = new Set<ChannelProducer>()
  readonly #consumers = new Set<ChannelConsumer>()
  readonly #requesters = new Map<Connection, Requester>()
  readonly #factory: ConsumerFactory
  readonly #prepared: PreparedSender
  #closing: Promise<void> | undefined

  constructor(
    parts: MessagingParts,
    configuration: ResolvedConfiguration,
    connections: ReadonlyMap<string, Connection>,
  ) {
    this.#parts = parts
    this.#configuration = configuration
    this.#connections = connections
    // Telemetry knows the span that is active in the handler; without it the trace goes on as it came.
    const trace = (headers: Headers) => (parts.telemetry === undefined ? headers : undefined)
    const sender = {
      send: (channel: Channel, data: unknown, options: SendOptions | undefined, headers: Headers) =>
        this.#send(channel, data, options, trace(headers)),
      prepare: (channel: Channel, data: unknown, options: SendOptions | undefined, headers: Headers) =>
        this.#prepare(channel, data, options, trace(headers)),
    }
    this.#factory = new ConsumerFactory(parts, sender, (consumer) => this.#consumers.delete(consumer))
    this.#prepared = new PreparedSender((channel) => this.#locate(channel))
  }

  async producer(channel: Channel): Promise<Producer<any>> {
    this.#checkOpen()
    const producer = this.#newProducer(this.#siteOf(channel), true)
    this.#ownProducers.add(producer)
    try {
      await producer.start()
    } catch (error) {
      this.#ownProducers.delete(producer)
      throw error
    }
    const close = async () => {
      await producer.close()
      this.#ownProducers.delete(producer)
    }
    return {
      send: (data, options) => producer.send(data, checkedSend(options)),
      sendAll: (data, options) => producer.sendAll(data, checkedSend(options)),
      prepare: (data, options) => producer.prepare(data, checkedSend(options)),
      close,
      [Symbol.asyncDispose]: close,
    }
  }

  readonly send = (channel: Channel, data: unknown, options?: SendOptions): Promise<Receipt> =>
    this.#send(channel, data, options)

  async sendAll(
    channel: Channel,
    data: readonly unknown[],
    options?: Omit<SendOptions, 'id'>,
  ): Promise<readonly Receipt[]> {
    this.#checkOpen()
    return this.#producerOf(channel).sendAll(data, checkedSend(options))
  }

  prepare(channel: Channel, data: unknown, options?: SendOptions): Promise<PreparedMessage> {
    return this.#prepare(channel, data, options)
  }

  async sendPrepared(messages: readonly PreparedMessage[], options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#checkOpen()
    checkKnown('sendPrepared', options, ['signal'])
    await this.#prepared.send(messages, options.signal)
  }

  async request(channel: Channel, data: unknown, options: { timeoutMs: number; signal?: AbortSignal }): Promise<never> {
    this.#checkOpen()
    checkKnown(`request "${channel.name}"`, options, ['timeoutMs', 'signal'])
    const { timeoutMs, signal } = options
    if (!(Number.isInteger(timeoutMs) && timeoutMs > 0)) {
      throw new MessagingError('invalidArgument', `request: timeoutMs must be a whole number above 0, not ${timeoutMs}`)
    }
    if (signal?.aborted) throw abortedError(signal)
    const site = this.#siteOf(channel)
    if (site.channel.reply === undefined) {
      throw new MessagingError(
        'invalidArgument',
        `channel "${channel.name}" has no reply; declare one to make it a request channel`,
      )
    }
    checkTemporary(site.connection.driver, site.channel, 'request on')
    const requester = this.#requesterOf(site.connection)
    await requester.start(site.route)
    const id = this.#parts.nextId()
    const reply = requester.request(site.channel, id, timeoutMs, signal, () =>
      this.#send(channel, data, { id, expiresInMs: timeoutMs, timeoutMs }, requester.headers()),
    )
    return (await reply) as never
  }

  async consume(channel: Channel, options: any, handler: any): Promise<ChannelConsumer> {
    this.#checkOpen()
    return this.#start(this.#factory.single(this.#siteOf(channel), options, handler), options.signal)
  }

  async consumeBatch(channel: Channel, options: any, handler: any): Promise<ChannelConsumer> {
    this.#checkOpen()
    return this.#start(this.#factory.batch(this.#siteOf(channel), options, handler), options.signal)
  }

  async consumeBroadcast(channel: Channel, options: any, handler: any): Promise<ChannelConsumer> {
    this.#checkOpen()
    return this.#start(this.#factory.broadcast(this.#siteOf(channel), options, handler), options.signal)
  }

  deadLetters(channel: Channel, group: string): DeadLetters<any> {
    this.#checkOpen()
    const site = this.#siteOf(channel)
    checkGroup(site.connection.driver, site.channel, group)
    const ready = async () => {
      this.#checkOpen()
      await site.connection.provision(needOf(site.channel), site.route)
    }
    return new DeadLetterBrowser({ ...site, group, encoder: this.#parts.encoder, ready })
  }

  async provision(channels: readonly Channel[], mode: 'create' | 'verify'): Promise<void> {
    this.#checkOpen()
    if (mode !== 'create' && mode !== 'verify') {
      throw new MessagingError(
        'invalidArgument',
        `provision: mode can be 'create' or 'verify', not ${JSON.stringify(mode)}`,
      )
    }
    const sites = channels.map((channel) => this.#siteOf(channel))
    await Promise.all(sites.map(({ connection, channel, route }) => connection.provision(needOf(channel), route, mode)))
  }

  health(): { status: 'up' | 'degraded' | 'down'; connections: { [name: string]: 'up' | 'down' } } {
    const connections: { [name: string]: 'up' | 'down' } = Object.create(null) as { [name: string]: 'up' | 'down' }
    let up = 0
    for (const [name, connection] of this.#connections) {
      const isUp = connection.isUp && this.#closing === undefined
      connections[name] = isUp ? 'up' : 'down'
      if (isUp) up++
    }
    const status = up === this.#connections.size ? 'up' : up === 0 ? 'down' : 'degraded'
    return { status, connections }
  }

  close({ drainMs = defaultDrainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Handlers first, since they may still send; then what is on its way out; then the links. */
  async #close(drainMs: number): Promise<void> {
    const { clock } = this.#parts.runtime
    const deadlineAt = clock.monotonic() + drainMs
    await Promise.all([...this.#consumers].map((consumer) => consumer.close({ drainMs })))
    const producers = [...this.#producers.values(), ...this.#ownProducers]
    const flushed = Promise.all([
      ...producers.map((producer) => producer.close()),
      ...[...this.#connections.values()].map((connection) => connection.flushed()),
    ])
    const late = () => new MessagingError('timeout', 'flushing took too long')
    await withDeadline(flushed, Math.max(0, deadlineAt - clock.monotonic()), clock, late).catch(() => {
      for (const producer of producers) producer.abandon(closedError())
    })
    await Promise.all([...this.#requesters.values()].map((requester) => requester.close()))
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()))
  }

  #send(channel: Channel, data: unknown, options?: SendOptions, headers?: Headers): Promise<Receipt> {
    try {
      this.#checkSending()
      return this.#producerOf(channel).send(data, checkedSend(options), headers)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #prepare(channel: Channel, data: unknown, options?: SendOptions, headers?: Headers): Promise<PreparedMessage> {
    this.#checkSending()
    return this.#producerOf(channel).prepare(data, checkedSend(options), headers)
  }

  async #start(consumer: ChannelConsumer, signal: AbortSignal | undefined): Promise<ChannelConsumer> {
    if (signal?.aborted) throw abortedError(signal)
    this.#consumers.add(consumer)
    if (signal !== undefined) consumer.closeWith(signal)
    try {
      await consumer.start()
      return consumer
    } catch (error) {
      await consumer.close({ drainMs: 0 })
      throw signal?.aborted ? abortedError(signal) : error
    }
  }

  /** The channel's producer, made on first use. One that could not start is forgotten, so that the next send tries anew. */
  #producerOf(channel: Channel): ChannelProducer {
    const definition = definitionOf(channel)
    const known = this.#producers.get(definition)
    if (known !== undefined) return known
    const producer = this.#newProducer(this.#siteOf(channel), false)
    this.#producers.set(definition, producer)
    producer.start().catch(() => {
      if (this.#producers.get(definition) === producer) this.#producers.delete(definition)
    })
    return producer
  }

  #newProducer(site: Site, ownQueue: boolean): ChannelProducer {
    checkChannel(site.connection.driver, site.channel)
    const { encoder, middleware, telemetry } = this.#parts
    return new ChannelProducer({ ...site, encoder, middleware, telemetry, ownQueue })
  }

  #requesterOf(connection: Connection): Requester {
    let requester = this.#requesters.get(connection)
    if (requester === undefined) {
      requester = new Requester(connection, `reply-${this.#parts.nextId()}`)
      this.#requesters.set(connection, requester)
    }
    return requester
  }

  #siteOf(channel: Channel): Site {
    const definition = definitionOf(channel)
    return { channel: definition, ...this.#locate(definition.name) }
  }

  #locate(channel: string): Omit<Site, 'channel'> {
    const route = this.#configuration.routeOf(channel)
    return { route, connection: this.#connections.get(route.connection)! }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }

  /** Handlers that finish while everything closes may still send. */
  #checkSending(): void {
    if (this.#closing !== undefined && this.#consumers.size === 0) throw closedError()
  }
}

function checkedSend<T extends object>(options: T | undefined): T | undefined {
  if (options !== undefined) checkKnown('send', options, sendOptions)
  return options
}
