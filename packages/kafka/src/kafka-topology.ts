import { hintFor, MessagingError, type TopologyChannel, type TopologyGroup } from '@waybill/core/driver'
import { channelTopic, deadTopic, delayTopic, groupTopic, isTopicName, maxTopicBytes } from './kafka-names.ts'
import { maxPartitions } from './kafka-options.ts'

/** What a channel comes to on the broker: what must be there, and where sends and listeners go. */
export interface ChannelPlan {
  readonly topics: readonly PlannedTopic[]
  readonly route: ChannelRoute
}

export interface PlannedTopic {
  readonly name: string
  readonly kind: 'channel' | 'group' | 'dead' | 'delay'
  /** Somebody else's, which is only looked for. */
  readonly isForeign: boolean
}

export interface ChannelRoute {
  readonly channel: string
  readonly topic: string
  readonly keyed: boolean
  /** What is declared; topics that exist may have more. */
  readonly partitions: number
  /** Kafka keeps the last message of each key, and may drop those before it. */
  readonly isCompacted: boolean
  readonly groups: ReadonlyMap<string, GroupRoute>
}

export interface GroupRoute {
  readonly group: string
  /** The consumer group of its main lane. */
  readonly groupId: string
  /**
   * Where what is sent to this group alone goes. `undefined`: an existing group that asks for no retries has none, and
   * such a message goes to the channel's topic, marked for it.
   */
  readonly ownTopic: string | undefined
  readonly deadTopic: string
  /** Ascending. */
  readonly delaysMs: readonly number[]
}

export interface TopologyDefaults {
  readonly partitions: number
}

/**
 * What `channel` needs. Names as in `kafka-names.ts`.
 *
 * A channel is a topic, and a group a consumer group of it. What is for one group alone has a topic of the group's own
 * with as many partitions, so that a key has the same number in both; so has each of its delays. Dead letters are a
 * compacted topic with one partition.
 *
 * @throws MessagingError `invalidArgument` or `unsupported` on names, settings and addresses that Kafka cannot have.
 */
export function planOf(channel: TopologyChannel, defaults: TopologyDefaults): ChannelPlan {
  const { partitions, isCompacted } = settingsOf(channel, defaults)
  const { name, address, keyed } = channel
  const topic = address ?? channelTopic(name)
  const groups = channel.groups.map((group) => groupRoute(name, group))
  const topics = [
    { name: topic, kind: 'channel', isForeign: address !== undefined } as const,
    ...groups.flatMap((route, index) => topicsOf(name, route, channel.groups[index]!)),
  ]
  for (const each of topics) checkTopic(name, each)
  const routes = new Map(groups.map((route) => [route.group, route]))
  return { topics, route: { channel: name, topic, keyed, partitions, isCompacted, groups: routes } }
}

/** Where a group's messages are. A group that exists already has what retries need only when it asks for some. */
export function groupRoute(channel: string, { name, delaysMs, address, deadLetterAddress }: TopologyGroup): GroupRoute {
  const isBare = address !== undefined && delaysMs.length === 0
  return {
    group: name,
    groupId: address ?? groupTopic(channel, name),
    ownTopic: isBare ? undefined : groupTopic(channel, name),
    deadTopic: deadLetterAddress ?? deadTopic(channel, name),
    delaysMs,
  }
}

function topicsOf(channel: string, route: GroupRoute, { deadLetterAddress }: TopologyGroup): PlannedTopic[] {
  const { group, ownTopic, deadTopic, delaysMs } = route
  return [
    { name: deadTopic, kind: 'dead', isForeign: deadLetterAddress !== undefined },
    ...(ownTopic === undefined ? [] : [{ name: ownTopic, kind: 'group', isForeign: false } as const]),
    ...delaysMs.map((delayMs) => {
      return { name: delayTopic(channel, group, delayMs), kind: 'delay', isForeign: false } as const
    }),
  ]
}

const knownSettings = ['partitions', 'compacted']

interface ChannelSettings {
  readonly partitions?: number
  readonly compacted?: boolean
}

function settingsOf(
  { name, settings = {}, address }: TopologyChannel,
  defaults: TopologyDefaults,
): Pick<ChannelRoute, 'partitions' | 'isCompacted'> {
  for (const setting of Object.keys(settings)) {
    if (!knownSettings.includes(setting))
      refuse(name, `unknown setting "${setting}": ${hintFor(setting, knownSettings)}`)
  }
  const { partitions = address === undefined ? defaults.partitions : 1, compacted = false } =
    settings as ChannelSettings
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    refuse(name, `partitions must be a whole number from 1 to ${maxPartitions}`)
  }
  if (typeof compacted !== 'boolean') refuse(name, 'compacted must be true or false')
  return { partitions, isCompacted: compacted }
}

function checkTopic(channel: string, { name, isForeign }: PlannedTopic): void {
  if (isTopicName(name)) return
  if (isForeign) refuse(channel, `the address "${name}" is no topic: letters, digits, "_", "." and "-" make one`)
  const why = `"${name}" has ${name.length} bytes, and Kafka takes ${maxTopicBytes} ("_" counts three times)`
  refuse(channel, `a topic's name would be too long: ${why}; use shorter names for channel and group`)
}

function refuse(channel: string, what: string): never {
  throw new MessagingError('invalidArgument', `channel "${channel}": ${what}`, { channel, system: 'kafka' })
}
