import { MessagingError, type Address, type Logger, type Outgoing, type SendDone } from '@waybill/core/driver'
import type { ChannelModel } from 'amqplib'
import type { SendBatch } from './rabbitmq-confirm-window.ts'
import { PropertiesWriter } from './rabbitmq-message-mapper.ts'
import { groupQueue, shardOf } from './rabbitmq-names.ts'
import { Publisher } from './rabbitmq-publisher.ts'
import { groupRoute, type ChannelRoute, type GroupRoute } from './rabbitmq-topology.ts'

export interface SenderOptions {
  readonly model: ChannelModel
  readonly logger: Logger
  readonly onMissing: () => void
}

interface Target {
  readonly route: ChannelRoute
  readonly publisher: Publisher
}

/** Sends with confirms: to a channel through its exchange, to one group or lane straight into the queue. */
export class Sender {
  readonly #options: SenderOptions
  readonly #writer = new PropertiesWriter()
  readonly #targets = new Map<string, Target>()
  readonly #publishers = new Map<string, Promise<Publisher>>()
  readonly #toQueues: Publisher
  #keyless = 0

  private constructor(options: SenderOptions) {
    this.#options = options
    this.#toQueues = this.#publisher('')
  }

  static async open(options: SenderOptions): Promise<Sender> {
    const sender = new Sender(options)
    await sender.#toQueues.open()
    return sender
  }

  /** Makes the channel of `route` known, and its exchange ready to publish to. */
  async learn(route: ChannelRoute): Promise<void> {
    const publisher = await this.#publisherOf(route.exchange)
    this.#targets.set(route.channel, { route: withGroupsOf(route, this.#targets.get(route.channel)?.route), publisher })
  }

  /** As `DriverConnection.send`. */
  send(to: Address, entries: readonly Outgoing[], done: SendDone): void {
    const batch = { entries, done }
    const target = this.#targets.get(to.channel)
    if (target === undefined) failAll(batch, notProvisioned(to.channel))
    else if (to.group === undefined) this.#toChannel(target, batch)
    else this.#toGroup(target.route, to, batch)
  }

  async flush(): Promise<void> {
    const publishers = await Promise.all(this.#publishers.values())
    await Promise.all([this.#toQueues, ...publishers].map((publisher) => publisher.flush()))
  }

  #toChannel({ route, publisher }: Target, batch: SendBatch): void {
    const { entries, done } = batch
    for (let index = 0; index < entries.length; index++) {
      const { delayMs, message } = entries[index]!
      if (delayMs !== undefined && delayMs > 0) done(index, notSent(cannotDelay(route.channel)))
      else publisher.publish(route.routingKeys[this.#shard(route.shards, message.key)]!, batch, index)
    }
  }

  #toGroup(route: ChannelRoute, { group, lane = 'main' }: Address & { group: string }, batch: SendBatch): void {
    const { entries, done } = batch
    const groupOf = route.groups.get(group) ?? groupRoute(route.channel, group, route.shards)
    for (let index = 0; index < entries.length; index++) {
      const { delayMs = 0, message } = entries[index]!
      const shard = lane === 'main' ? this.#shard(route.shards, message.key) : 0
      const queue =
        lane === 'main' && delayMs > 0 ? delayQueue(groupOf, delayMs) : laneQueue(route, group, groupOf, lane, shard)
      if (queue === undefined) done(index, notSent(cannotDelay(route.channel, group, delayMs)))
      else this.#toQueues.publish(queue, batch, index)
    }
  }

  /** Messages without a key go round, so that no shard gets them all. */
  #shard(shards: number, key: string | undefined): number {
    if (shards === 0) return 0
    return key === undefined ? this.#keyless++ % shards : shardOf(key, shards)
  }

  #publisherOf(exchange: string): Promise<Publisher> {
    const known = this.#publishers.get(exchange)
    if (known !== undefined) return known
    const publisher = this.#publisher(exchange)
    const opened = publisher.open().then(() => publisher)
    this.#publishers.set(exchange, opened)
    void opened.catch(() => this.#publishers.delete(exchange))
    return opened
  }

  #publisher(exchange: string): Publisher {
    return new Publisher({ ...this.#options, exchange, writer: this.#writer })
  }
}

/** A later topology may name fewer groups of the channel, or fewer delays of a group. */
function withGroupsOf(route: ChannelRoute, before: ChannelRoute | undefined): ChannelRoute {
  if (before === undefined) return route
  const groups = new Map(before.groups)
  for (const [name, group] of route.groups) groups.set(name, withDelaysOf(group, before.groups.get(name)))
  return { ...route, groups }
}

function withDelaysOf(group: GroupRoute, before: GroupRoute | undefined): GroupRoute {
  if (before === undefined) return group
  const more = before.delays.filter(({ delayMs }) => group.delays.every((each) => each.delayMs !== delayMs))
  return { ...group, delays: [...group.delays, ...more].sort((a, b) => a.delayMs - b.delayMs) }
}

/** The shortest that is not too short. */
function delayQueue({ delays }: GroupRoute, delayMs: number): string | undefined {
  return delays.find((each) => each.delayMs >= delayMs)?.queue
}

function laneQueue({ channel }: ChannelRoute, group: string, route: GroupRoute, lane: string, shard: number): string {
  if (lane === 'main') return route.queues[shard]!
  return lane === 'dead' ? route.deadQueue : `${groupQueue(channel, group)}/${lane}`
}

function failAll({ entries, done }: SendBatch, error: MessagingError): void {
  for (let index = 0; index < entries.length; index++) done(index, notSent(error))
}

function notSent(error: MessagingError) {
  return { error, outcome: 'notSent' } as const
}

function notProvisioned(channel: string): MessagingError {
  return new MessagingError('failedPrecondition', `channel "${channel}" was not provisioned on this connection`, {
    channel,
    system: 'rabbitmq',
  })
}

function cannotDelay(channel: string, group?: string, delayMs?: number): MessagingError {
  const where = group === undefined ? `channel "${channel}"` : `group "${group}" of "${channel}"`
  const why = group === undefined ? 'only to one group' : `${delayMs} ms is none of its provisioned delays`
  return new MessagingError('unsupported', `cannot delay a message to ${where}: ${why}`, {
    channel,
    system: 'rabbitmq',
  })
}
