import { MessagingError, hintFor, type TopologyChannel, type TopologyGroup } from '@waybill/core/driver'
import { groupQueue, shardQueues, unshardedExchange } from './rabbitmq-names.ts'
import { maxShards } from './rabbitmq-options.ts'

/** What a channel comes to on the broker: what must be there, and where sends and listeners go. */
export interface ChannelPlan {
  readonly exchanges: readonly ExchangeEntity[]
  readonly queues: readonly QueueEntity[]
  readonly bindings: readonly Binding[]
  readonly route: ChannelRoute
}

export interface ExchangeEntity {
  readonly name: string
  /** `undefined`: somebody else's, which is only looked for. */
  readonly declared?: { readonly type: 'fanout' | 'direct'; readonly alternateExchange?: string }
}

export interface QueueEntity {
  readonly name: string
  /** `undefined`: somebody else's, which is only looked for. */
  readonly declared?: { readonly [argument: string]: string | number | boolean }
}

export interface Binding {
  readonly queue: string
  readonly exchange: string
  readonly routingKey: string
}

export interface ChannelRoute {
  readonly channel: string
  readonly exchange: string
  /** Of what is sent to the channel as a whole; one per shard where keyed. */
  readonly routingKeys: readonly string[]
  /** 0: the channel keeps no order per key. */
  readonly shards: number
  /** Where a group that lives with its listener binds its queue. */
  readonly temporaryBindings: readonly Omit<Binding, 'queue'>[]
  readonly groups: ReadonlyMap<string, GroupRoute>
}

export interface GroupRoute {
  /** One, or one per shard. */
  readonly queues: readonly string[]
  readonly deadQueue: string
  /** Ascending. */
  readonly delays: readonly { readonly delayMs: number; readonly queue: string }[]
}

export interface TopologyDefaults {
  readonly shards: number
  readonly deliveryLimit: number
}

interface ChannelSettings {
  readonly shards: number
  readonly routingKey: string
  readonly bindingKey: string
}

/**
 * What `channel` needs. Names as in `rabbitmq-names.ts`.
 *
 * A channel is a durable exchange: fanout, or direct by shard with an alternate exchange that takes what foreign
 * publishers send. A group is a quorum queue, or one per shard with a single active consumer; its dead letters and each
 * of its delays are a quorum queue more. What a queue's delivery limit throws out goes to the dead letters.
 *
 * @throws MessagingError `invalidArgument` or `unsupported` on names, settings and addresses that RabbitMQ cannot have.
 */
export function planOf(channel: TopologyChannel, defaults: TopologyDefaults): ChannelPlan {
  const settings = settingsOf(channel, defaults)
  check(channel)
  const { name, address, keyed } = channel
  const shards = keyed ? settings.shards : 0
  const exchange = address ?? name
  const bindingKeys = keyed ? numbered(shards) : [address === undefined ? '' : settings.bindingKey]
  const groups = channel.groups.map((group) =>
    groupPlan(channel, group, { ...defaults, exchange, bindingKeys, shards }),
  )
  return {
    exchanges: exchangesOf(channel, shards),
    queues: groups.flatMap(({ queues }) => queues),
    bindings: groups.flatMap(({ bindings }) => bindings),
    route: {
      channel: name,
      exchange,
      shards,
      routingKeys: keyed ? numbered(shards) : [settings.routingKey],
      temporaryBindings: [
        ...bindingKeys.map((routingKey) => ({ exchange, routingKey })),
        ...(keyed ? [{ exchange: unshardedExchange(name, shards), routingKey: '' }] : []),
      ],
      groups: new Map(groups.map(({ group, route }) => [group, route])),
    },
  }
}

function exchangesOf({ name, address, keyed }: TopologyChannel, shards: number): ExchangeEntity[] {
  if (address !== undefined) return [{ name: address }]
  if (!keyed) return [{ name, declared: { type: 'fanout' } }]
  const alternateExchange = unshardedExchange(name, shards)
  return [
    { name: alternateExchange, declared: { type: 'fanout' } },
    { name, declared: { type: 'direct', alternateExchange } },
  ]
}

interface GroupContext extends TopologyDefaults {
  readonly exchange: string
  readonly bindingKeys: readonly string[]
}

function groupPlan({ name: channel, keyed }: TopologyChannel, group: TopologyGroup, context: GroupContext) {
  const route = groupRoute(channel, group.name, context.shards, group)
  const { queues, deadQueue, delays } = route
  const isOurs = group.address === undefined
  const work = queues.map(
    (name): QueueEntity => (isOurs ? { name, declared: workArguments(deadQueue, keyed, context) } : { name }),
  )
  const dead: QueueEntity =
    group.deadLetterAddress === undefined ? { name: deadQueue, declared: deadArguments } : { name: deadQueue }
  const delayed = delays.map(({ delayMs, queue }) => ({ name: queue, declared: delayArguments(queues[0]!, delayMs) }))
  return {
    group: group.name,
    route,
    queues: [dead, ...work, ...delayed],
    bindings: isOurs ? bindingsOf(channel, queues, context) : [],
  }
}

/** Where a group's messages are, by its name alone or by what the topology says of it. */
export function groupRoute(channel: string, name: string, shards: number, group?: TopologyGroup): GroupRoute {
  const base = groupQueue(channel, name)
  const delaysMs = shards === 0 ? (group?.delaysMs ?? []) : []
  return {
    queues: shards === 0 ? [group?.address ?? base] : shardQueues(channel, name, shards),
    deadQueue: group?.deadLetterAddress ?? `${base}/dead`,
    delays: delaysMs
      .filter((delayMs) => delayMs > 0)
      .map((delayMs) => ({ delayMs, queue: `${base}/delay.${delayMs}` })),
  }
}

function bindingsOf(
  channel: string,
  queues: readonly string[],
  { exchange, bindingKeys, shards }: GroupContext,
): Binding[] {
  const bindings = queues.map((queue, index) => ({ queue, exchange, routingKey: bindingKeys[index]! }))
  if (shards === 0) return bindings
  return [...bindings, { queue: queues[0]!, exchange: unshardedExchange(channel, shards), routingKey: '' }]
}

/** At-least-once dead-lettering asks for `reject-publish`: https://www.rabbitmq.com/docs/quorum-queues#activating-at-least-once-dead-lettering */
const moved = {
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
  'x-dead-letter-exchange': '',
}

/** The limit is a backstop for messages that kill their consumer; releases count too: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling */
function workArguments(deadQueue: string, keyed: boolean, { deliveryLimit }: TopologyDefaults) {
  return {
    'x-queue-type': 'quorum',
    'x-delivery-limit': deliveryLimit,
    ...moved,
    'x-dead-letter-routing-key': deadQueue,
    ...(keyed ? { 'x-single-active-consumer': true } : {}),
  }
}

/** The default limit of 20 would drop a dead letter that was looked at so often. */
const deadArguments = { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 }

/**
 * One queue per delay: in a common one a long delay would hold up the short ones behind it.
 *
 * A millisecond more than asked, since the broker's clock counts whole ones, rounded down: a delay is a floor.
 */
function delayArguments(target: string, delayMs: number) {
  return { 'x-queue-type': 'quorum', 'x-message-ttl': delayMs + 1, ...moved, 'x-dead-letter-routing-key': target }
}

/** A queue that goes with its only consumer. Exclusive quorum queues are refused by the broker. */
export const temporaryQueue = { exclusive: true, autoDelete: true, durable: false } as const

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index))
}

const knownSettings = ['shards', 'routingKey', 'bindingKey']

function settingsOf(channel: TopologyChannel, { shards: defaultShards }: TopologyDefaults): ChannelSettings {
  const { settings = {}, name, keyed, address } = channel
  for (const setting of Object.keys(settings)) {
    if (!knownSettings.includes(setting))
      refuse(name, `unknown setting "${setting}": ${hintFor(setting, knownSettings)}`)
  }
  const { shards = defaultShards, routingKey = '', bindingKey = '#' } = settings as Partial<ChannelSettings>
  if (!Number.isInteger(shards) || shards < 1 || shards > maxShards) {
    refuse(name, `shards must be a whole number from 1 to ${maxShards}`)
  }
  if (!keyed && 'shards' in settings) refuse(name, `shards are for channels with ordering: 'key'`)
  if (address === undefined && ('routingKey' in settings || 'bindingKey' in settings)) {
    refuse(name, 'routingKey and bindingKey are for channels with an address of their own')
  }
  if (typeof routingKey !== 'string' || typeof bindingKey !== 'string') refuse(name, 'routing keys must be texts')
  return { shards, routingKey, bindingKey }
}

function check({ name, keyed, address, groups }: TopologyChannel): void {
  if (address === undefined && name.startsWith('amq.')) {
    refuse(name, 'RabbitMQ keeps names that begin with "amq." to itself; choose another, or give it as an address')
  }
  if (!keyed) return
  const foreign = address ?? groups.find((group) => group.address !== undefined)?.address
  if (foreign === undefined) return
  throw new MessagingError(
    'unsupported',
    `channel "${name}" has ordering: 'key', which needs queues of its own in shards, and the address "${foreign}": ` +
      `remove one of the two`,
    { channel: name, system: 'rabbitmq' },
  )
}

function refuse(channel: string, what: string): never {
  throw new MessagingError('invalidArgument', `channel "${channel}": ${what}`, { channel, system: 'rabbitmq' })
}
