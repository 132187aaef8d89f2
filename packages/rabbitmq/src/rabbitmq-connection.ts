import {
  MessagingError,
  untilAborted,
  type Address,
  type DriverConnection,
  type DriverContext,
  type Inspection,
  type Listener,
  type ListenRequest,
  type OnDelivery,
  type Outgoing,
  type SendDone,
  type Topology,
  type TopologyReport,
} from '@waybill/core/driver'
import type { Channel, ChannelModel } from 'amqplib'
import { QueueBrowser } from './rabbitmq-browser.ts'
import { ChannelLoans } from './rabbitmq-channel-loans.ts'
import { openLink, type Link } from './rabbitmq-link.ts'
import { QueueListener, type ListenerOptions } from './rabbitmq-listener.ts'
import { groupQueue } from './rabbitmq-names.ts'
import type { RabbitmqSettings } from './rabbitmq-options.ts'
import { Provisioner, type ProvisionMode } from './rabbitmq-provisioner.ts'
import { Sender } from './rabbitmq-sender.ts'
import { groupRoute, temporaryQueue, type ChannelRoute, type GroupRoute } from './rabbitmq-topology.ts'

/** One epoch of one role. */
export class RabbitmqConnection implements DriverConnection {
  readonly #model: ChannelModel
  readonly #link: Link
  readonly #context: DriverContext
  readonly #loans: ChannelLoans
  readonly #provisioner: Provisioner
  readonly #routes = new Map<string, ChannelRoute>()
  readonly #listeners = new Map<QueueListener, ListenRequest['source']>()
  readonly #gone: Promise<void>
  #sender: Sender | undefined
  #closing: Promise<void> | undefined

  private constructor(link: Link, settings: RabbitmqSettings, context: DriverContext) {
    this.#link = link
    this.#model = link.model
    this.#context = context
    this.#loans = new ChannelLoans(link.model)
    this.#provisioner = new Provisioner(this.#loans, settings)
    this.#gone = this.#watch()
  }

  static async open(settings: RabbitmqSettings, context: DriverContext): Promise<RabbitmqConnection> {
    const link = await openLink(settings, context)
    const connection = new RabbitmqConnection(link, settings, context)
    if (context.role === 'send') await connection.#openSender()
    return connection
  }

  provision(topology: Topology, mode: ProvisionMode): Promise<TopologyReport> {
    return this.#provisioner.provision(topology, mode, async ({ route }) => {
      this.#routes.set(route.channel, route)
      await this.#sender?.learn(route)
    })
  }

  send(to: Address, batch: readonly Outgoing[], done: SendDone): void {
    if (this.#sender === undefined) throw new Error('this connection was opened to receive')
    this.#sender.send(to, batch, done)
  }

  async listen(request: ListenRequest, onDelivery: OnDelivery): Promise<Listener> {
    const route = this.#routeOf(request.source.channel)
    const { temporary = false, intent = 'consume', order } = request
    if (order === 'key' && route.shards === 0 && !temporary) throw notKeyed(request)
    const queues = temporary ? [this.#temporary(route, request)] : this.#queuesOf(route, request.source)
    const isExclusive = queues.length > 1 || (route.shards > 0 && isMain(request.source))
    const common = { model: this.#model, context: this.#context, onDelivery }
    if (intent === 'consume') return this.#consume({ ...common, request, queues, isExclusive })
    const queue = queues[0]
    if (isExclusive || typeof queue !== 'string') throw cannotBrowse(request)
    return QueueBrowser.open({ ...common, queue, countReady: () => this.#countReady(queue) })
  }

  async #consume(options: Omit<ListenerOptions, 'onMissing' | 'onOver'>): Promise<Listener> {
    const onMissing = () => this.#provisioner.forget()
    const onOver = (listener: QueueListener) => this.#listeners.delete(listener)
    const listener = await QueueListener.open({ ...options, onMissing, onOver })
    this.#listeners.set(listener, options.request.source)
    return listener
  }

  async inspect(address: Address, signal: AbortSignal): Promise<Inspection> {
    signal.throwIfAborted()
    const route = this.#routeOf(address.channel)
    return await untilAborted(this.#inspect(route, address), signal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #openSender(): Promise<void> {
    const { logger } = this.#context
    const onMissing = () => this.#provisioner.forget()
    try {
      this.#sender = await Sender.open({ model: this.#model, logger, onMissing })
    } catch (error) {
      this.#link.destroy()
      throw error
    }
  }

  /** Reports what amqplib says of the connection. Resolves when it is over. */
  #watch(): Promise<void> {
    const { report } = this.#context
    let failure: unknown
    this.#model.on('blocked', () => report({ kind: 'blocked' }))
    this.#model.on('unblocked', () => report({ kind: 'unblocked' }))
    this.#model.on('error', (error) => {
      failure ??= error
      this.#link.destroy()
    })
    return new Promise((resolve) => {
      this.#model.on('close', (error) => {
        this.#link.destroy()
        const reason =
          failure ?? error ?? new MessagingError('unavailable', 'the connection was closed', { system: 'rabbitmq' })
        if (this.#closing === undefined) report({ kind: 'lost', error: reason })
        resolve()
      })
    })
  }

  /** Whatever was handed over is answered first: by the broker, or because the connection is gone. */
  async #close(): Promise<void> {
    await Promise.race([this.#sender?.flush(), this.#gone])
    await Promise.race([this.#model.close().catch(() => {}), this.#gone])
    this.#link.destroy()
  }

  #routeOf(channel: string): ChannelRoute {
    const route = this.#routes.get(channel)
    if (route !== undefined) return route
    throw new MessagingError('failedPrecondition', `channel "${channel}" was not provisioned on this connection`, {
      channel,
    })
  }

  #groupOf(route: ChannelRoute, group: string): GroupRoute {
    return route.groups.get(group) ?? groupRoute(route.channel, group, route.shards)
  }

  #queuesOf(route: ChannelRoute, source: ListenRequest['source']): readonly string[] {
    const { channel, group, lane = 'main' } = source
    const { queues, deadQueue } = this.#groupOf(route, group)
    if (lane === 'main') return queues
    return lane === 'dead' ? [deadQueue] : [`${groupQueue(channel, group)}/${lane}`]
  }

  /**
   * A queue under the group's own name, so that replies can be sent to it. It may still be locked by the former epoch's
   * connection, until the broker notices that this is dead: `unavailable`, since that passes.
   */
  #temporary(route: ChannelRoute, { source }: ListenRequest): (amqpChannel: Channel) => Promise<string> {
    return async (amqpChannel) => {
      const { queue } = await amqpChannel
        .assertQueue(groupQueue(source.channel, source.group), temporaryQueue)
        .catch(stillLocked)
      for (const { exchange, routingKey } of route.temporaryBindings)
        await amqpChannel.bindQueue(queue, exchange, routingKey)
      return queue
    }
  }

  async #inspect(route: ChannelRoute, address: Address): Promise<Inspection> {
    if (address.group === undefined) {
      await this.#loans.use((amqpChannel) => amqpChannel.checkExchange(route.exchange))
      return {}
    }
    const own = [...this.#listeners].filter(([, source]) => addressName(source) === addressName(address))
    if (own.length > 0)
      return { ready: Math.max(...(await Promise.all(own.map(([listener]) => listener.countReady())))) }
    const counts = await Promise.all(this.#queuesOf(route, address).map((queue) => this.#countReady(queue)))
    return { ready: counts.reduce((sum, count) => sum + count, 0) }
  }

  #countReady(queue: string): Promise<number> {
    return this.#loans.use(async (amqpChannel) => (await amqpChannel.checkQueue(queue)).messageCount)
  }
}

function addressName({ channel, group, lane = 'main' }: ListenRequest['source']): string {
  return `${groupQueue(channel, group)}/${lane}`
}

function isMain({ lane = 'main' }: ListenRequest['source']): boolean {
  return lane === 'main'
}

function stillLocked(error: unknown): never {
  if ((error as { code?: unknown }).code !== 405) throw error
  throw new MessagingError('unavailable', 'the temporary queue still belongs to another connection', { cause: error })
}

function notKeyed({ source: { channel, group } }: ListenRequest): MessagingError {
  const what = `cannot consume "${channel}" as "${group}" in the order of keys: the channel was provisioned without`
  return new MessagingError('failedPrecondition', what, { channel, group, system: 'rabbitmq' })
}

function cannotBrowse({ source: { channel, group } }: ListenRequest): MessagingError {
  const what = `cannot browse group "${group}" of "${channel}": its messages are its consumers'; browse its dead letters`
  return new MessagingError('unsupported', what, { channel, group, system: 'rabbitmq' })
}
