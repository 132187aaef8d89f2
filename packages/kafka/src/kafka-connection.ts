import {
  MessagingError,
  untilAborted,
  withDeadline,
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
import { TopicBrowser } from './kafka-browser.ts'
import type { GroupMember, KafkaClient, PartitionOffset } from './kafka-client.ts'
import { classify } from './kafka-errors.ts'
import { GroupFeed } from './kafka-group-feed.ts'
import { inspectGroup } from './kafka-inspection.ts'
import { KafkaListener, type Feed } from './kafka-listener.ts'
import type { KafkaSettings } from './kafka-options.ts'
import { Provisioner, type Facts, type ProvisionMode } from './kafka-provisioner.ts'
import { browsedTopic, groupOf, isSame, readFor, readingOf, type Reading } from './kafka-reading.ts'
import { Sender } from './kafka-sender.ts'
import { positionsIn } from './kafka-start.ts'
import { TemporaryGroup } from './kafka-temporary-group.ts'
import type { ChannelRoute } from './kafka-topology.ts'
import { KafkajsClient } from './kafkajs-client.ts'

export interface ConnectionOptions {
  readonly settings: KafkaSettings
  /** Members that earlier epochs could not take out of their groups any more: shared by all connections of a driver. */
  readonly orphans: GroupMember[]
}

/** A channel, how it came to be known, and what is known of its topics. */
interface KnownChannel {
  readonly route: ChannelRoute
  readonly facts: Facts
  readonly mode: ProvisionMode
}

/** One epoch of one role. */
export class KafkaConnection implements DriverConnection {
  readonly #settings: KafkaSettings
  readonly #orphans: GroupMember[]
  readonly #context: DriverContext
  readonly #client: KafkaClient
  readonly #provisioner: Provisioner
  readonly #sender: Sender | undefined
  readonly #channels = new Map<string, KnownChannel>()
  readonly #listeners = new Set<KafkaListener>()
  #isOver = false
  #closing: Promise<void> | undefined

  private constructor({ settings, orphans }: ConnectionOptions, context: DriverContext) {
    this.#settings = settings
    this.#orphans = orphans
    this.#context = context
    this.#client = new KafkajsClient({ settings, context, onLost: (error) => this.#lose(error) })
    this.#provisioner = new Provisioner(this.#client.admin, settings)
    this.#sender = context.role === 'send' ? new Sender({ client: this.#client }) : undefined
    context.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Usable within `connectTimeoutMs`; rejects promptly once `context.signal` aborts. */
  static async open(options: ConnectionOptions, context: DriverContext): Promise<KafkaConnection> {
    const { signal, logger } = context
    const { settings } = options
    signal.throwIfAborted()
    if (settings.tls.allowUnverified)
      logger.warn(`tls.allowUnverified: whoever answers as one of ${settings.brokers.join(', ')} is trusted`)
    const connection = new KafkaConnection(options, context)
    try {
      await connection.#start()
      if (context.role === 'receive') await connection.#removeOrphans()
    } catch (error) {
      connection.#end()
      throw error
    }
    return connection
  }

  provision(topology: Topology, mode: ProvisionMode): Promise<TopologyReport> {
    return this.#provisioner.provision(topology, mode, (route, facts) => {
      this.#channels.set(route.channel, { route, facts, mode })
      this.#sender?.learn(route, facts)
    })
  }

  send(to: Address, batch: readonly Outgoing[], done: SendDone): void {
    if (this.#sender === undefined) throw new Error('this connection was opened to receive')
    this.#sender.send(to, batch, done)
  }

  async listen(request: ListenRequest, onDelivery: OnDelivery): Promise<Listener> {
    const listener = new KafkaListener({
      request,
      onCrashed: (error) => this.#onCrashed(error),
      onOver: () => void this.#listeners.delete(listener),
    })
    const feed = await this.#feed(listener, onDelivery)
    this.#listeners.add(listener)
    await listener.open(feed)
    return listener
  }

  async #feed(listener: KafkaListener, onDelivery: OnDelivery): Promise<Feed> {
    const { temporary = false, intent = 'consume', source, from } = listener.request
    const { route, facts, mode } = this.#channelOf(source.channel)
    if (typeof from === 'object' && from.positions !== undefined) positionsIn(route.topic, from.positions)
    const read = readFor(source.group)
    const common = {
      client: this.#client,
      settings: this.#settings,
      context: this.#context,
      listener,
      onDelivery,
      read,
    }
    if (temporary) return new TemporaryGroup({ ...common, topic: route.topic })
    const group = groupOf(route, source.group)
    if (intent === 'browse') {
      const topic = browsedTopic(group, source)
      return new TopicBrowser({ ...common, topic, isCompacted: facts.get(topic)?.isCompacted ?? false })
    }
    const reading = readingOf(route, group, source)
    const sharedTopic = mode === 'create' ? undefined : await this.#unlessBegun(reading, route.topic)
    return new GroupFeed({ ...common, ...reading, sharedTopic })
  }

  async inspect(address: Address, signal: AbortSignal, horizon?: unknown): Promise<Inspection> {
    signal.throwIfAborted()
    return await untilAborted(this.#inspect(address, horizon as readonly PartitionOffset[] | undefined), signal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Whatever was handed over is answered first: by the broker, or because the connection is gone. */
  async #close(): Promise<void> {
    await this.#sender?.flush()
    const left = this.#leave(new MessagingError('closed', 'the connection was closed'))
    await withDeadline(left, leaveMs, this.#context.clock, () => new Error('a group was not told in time')).catch(
      () => {},
    )
    this.#end()
  }

  async #leave(error: unknown): Promise<void> {
    await Promise.allSettled([...this.#listeners].map((listener) => listener.close(error)))
  }

  #start(): Promise<void> {
    const { signal, clock } = this.#context
    const { connectTimeoutMs, brokers } = this.#settings
    const what = `no Kafka answered at ${brokers.join(', ')} within ${connectTimeoutMs} ms`
    const late = () => new MessagingError('timeout', what, { system: 'kafka' })
    return untilAborted(withDeadline(this.#client.start(), connectTimeoutMs, clock, late), signal)
  }

  /** Before anything of it fails, so that who hears of a failure knows that the epoch is over. */
  #lose(error: unknown): void {
    if (this.#isOver) return
    if (this.#closing === undefined) this.#context.report({ kind: 'lost', error })
    this.#end(error)
  }

  /** Groups would wait for them for a whole session before anybody gets what they had. */
  async #removeOrphans(): Promise<void> {
    const orphans = this.#orphans.splice(0)
    try {
      await this.#client.admin.removeMembers(orphans)
    } catch (error) {
      this.#orphans.push(...orphans)
      throw error
    }
  }

  #end(error?: unknown): void {
    if (!this.#isOver) this.#orphans.push(...this.#client.members())
    this.#isOver = true
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    void this.#leave(error)
    this.#client.destroy()
  }

  readonly #onAbort = (): void => this.#end(this.#context.signal.reason)

  /** A broker that stops says goodbye first, and one that knows us no more turns all away: no one listener's matter. */
  #onCrashed(error: unknown): void {
    if (epochal.has(classify(error))) this.#lose(error)
  }

  /** A group that somebody else provisions, or nobody, and that never took anything: the topic is not its own. */
  async #unlessBegun({ group }: Reading, topic: string): Promise<string | undefined> {
    const committed = await this.#client.admin.committedOffsets(group, [topic])
    return committed.length === 0 ? topic : undefined
  }

  async #inspect(address: Address, horizon: readonly PartitionOffset[] | undefined): Promise<Inspection> {
    const { route } = this.#channelOf(address.channel)
    if (address.group === undefined) {
      await this.#client.admin.offsetsAt([route.topic], 'new')
      return {}
    }
    const own = [...this.#listeners].filter(({ request: { source } }) => isSame(source, address))
    const next = own.flatMap((listener) => listener.next)
    const { admin } = this.#client
    if (own.some(({ request }) => request.temporary === true))
      return inspectGroup({ admin, group: undefined, topics: [route.topic], next, horizon })
    return inspectGroup({ admin, ...readingOf(route, groupOf(route, address.group), address), next, horizon })
  }

  #channelOf(channel: string): KnownChannel {
    const known = this.#channels.get(channel)
    if (known !== undefined) return known
    throw new MessagingError('failedPrecondition', `channel "${channel}" was not provisioned on this connection`, {
      channel,
    })
  }
}

/** How long closing waits for groups to be told. */
const leaveMs = 2_000

/** What is wrong with the connection and not with one listener. */
const epochal: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'unauthenticated', 'permissionDenied'])
