import { MessagingError, type GroupLanes, type Topology, type TopologyReport } from '@waybill/core/driver'
import type { KafkaAdmin, NewTopic } from './kafka-client.ts'
import { collidingTopic, delaysAmong, startMetadata } from './kafka-names.ts'
import type { KafkaSettings } from './kafka-options.ts'
import { protocolErrorOf } from './kafka-errors.ts'
import { planOf, type ChannelPlan, type ChannelRoute, type GroupRoute, type PlannedTopic } from './kafka-topology.ts'

export type ProvisionMode = 'create' | 'verify' | 'known'

/** What must be known of a topic to send to it. */
export interface TopicFacts {
  readonly partitions: number
  /** The largest batch that it takes. */
  readonly maxMessageBytes: number
  /** It takes no record without a key. `undefined`: not for us to know. */
  readonly isCompacted: boolean | undefined
}

export type Facts = ReadonlyMap<string, TopicFacts>

/** Makes topology exist, or looks for it. Each call looks anew: whatever somebody deleted is noticed. */
export class Provisioner {
  readonly #admin: KafkaAdmin
  readonly #settings: KafkaSettings

  constructor(admin: KafkaAdmin, settings: KafkaSettings) {
    this.#admin = admin
    this.#settings = settings
  }

  /** Calls `onRoute` for each channel once what it needs is there, with what is known of all its topics. */
  async provision(
    topology: Topology,
    mode: ProvisionMode,
    onRoute: (route: ChannelRoute, facts: Facts) => void,
  ): Promise<TopologyReport> {
    const plans = topology.channels.map((channel) => planOf(channel, this.#settings))
    const before = new Set(await this.#admin.listTopics())
    if (mode === 'create') for (const plan of plans) await this.#create(plan, before)
    const facts = await this.#factsOf(plans.flatMap(({ topics }) => topics.map(({ name }) => name)))
    for (const plan of plans) {
      if (mode !== 'known') check(plan, facts)
      onRoute(plan.route, facts)
    }
    const names = new Set([...before, ...facts.keys()])
    return {
      entities: mode === 'known' ? [] : plans.flatMap(({ topics }) => topics.map(({ name }) => name)),
      lanes: plans.flatMap(({ route }) => lanesOf(route, names)),
    }
  }

  /** As many as exist; what has no known limit has the default. */
  async #factsOf(names: readonly string[]): Promise<Map<string, TopicFacts>> {
    const found = await this.#admin.describeTopics([...new Set(names)])
    const settings = await this.#admin.topicSettings([...found.keys()], ['max.message.bytes', 'cleanup.policy'])
    const facts = new Map<string, TopicFacts>()
    for (const [name, { partitions }] of found) {
      const { 'max.message.bytes': maxBytes, 'cleanup.policy': policy } = settings.get(name) ?? {}
      const maxMessageBytes = maxBytes === undefined ? this.#settings.maxMessageBytes : Number(maxBytes)
      facts.set(name, { partitions, maxMessageBytes, isCompacted: policy?.includes('compact') })
    }
    return facts
  }

  /**
   * The channel's topic, then where new groups start in it, then the rest: a group whose own topics are there has been
   * provisioned to the end, and what is sent to the channel from then on comes to it. Conformance: TOP-06, TOP-07.
   */
  async #create({ topics, route }: ChannelPlan, before: ReadonlySet<string>): Promise<void> {
    const missing = topics.filter(({ name, isForeign }) => !isForeign && !before.has(name))
    const main = missing.filter(({ kind }) => kind === 'channel')
    const made = await this.#make(route, main, route.partitions, before)
    for (const group of route.groups.values()) {
      const marker = group.ownTopic ?? group.deadTopic
      if (!before.has(marker) || group.ownTopic === undefined) await this.#start(route.topic, group, made.length > 0)
    }
    if (missing.length === main.length) return
    const { partitions = route.partitions } = (await this.#admin.describeTopics([route.topic])).get(route.topic) ?? {}
    await this.#make(
      route,
      missing.filter(({ kind }) => kind !== 'channel'),
      partitions,
      before,
    )
  }

  /**
   * Where a new group starts: at the first message of a topic that was made with it, or after the last one there is. One
   * of somebody else's that has begun is left alone: in partitions that its topic got since it begins at the first message.
   *
   * The end is read before what is committed: of several processes that do this at once a late one can only put the
   * group back to where it started, and never past what was sent meanwhile.
   */
  async #start(topic: string, { groupId, ownTopic }: GroupRoute, isNewTopic: boolean): Promise<void> {
    const offsets = await this.#admin.offsetsAt([topic], isNewTopic ? 'oldest' : 'new')
    const committed = await this.#admin.committedOffsets(groupId, [topic])
    if (ownTopic === undefined && committed.length > 0) return
    const known = new Set(committed.map(({ partition }) => partition))
    const starts = offsets.filter(({ partition }) => !known.has(partition))
    if (starts.length === 0) return
    await this.#admin
      .commitOffsets(
        groupId,
        starts.map((each) => ({ ...each, metadata: startMetadata })),
      )
      .catch(unlessAtWork)
  }

  async #make(
    route: ChannelRoute,
    topics: readonly PlannedTopic[],
    partitions: number,
    before: ReadonlySet<string>,
  ): Promise<readonly string[]> {
    if (topics.length === 0) return []
    const { isCompacted } = route
    try {
      return await this.#admin.createTopics(topics.map((topic) => this.#newTopic(topic, { partitions, isCompacted })))
    } catch (error) {
      throw explained(error, route, topics, before)
    }
  }

  #newTopic({ name, kind }: PlannedTopic, { partitions, isCompacted }: Partitioning): NewTopic {
    const { replicationFactor, setsMaxMessageBytes, maxMessageBytes } = this.#settings
    return {
      name,
      partitions: kind === 'dead' ? 1 : partitions,
      replicationFactor,
      settings: {
        ...(setsMaxMessageBytes ? { 'max.message.bytes': String(maxMessageBytes) } : {}),
        ...(kind === 'dead' || (kind === 'channel' && isCompacted) ? compacted : {}),
      },
    }
  }
}

interface Partitioning {
  readonly partitions: number
  readonly isCompacted: boolean
}

/** Dead letters stay until they are removed, one by one; so does what a channel says last of each key. */
const compacted = { 'cleanup.policy': 'compact' }

/** A group that has members has offsets, or is about to. */
function unlessAtWork(error: unknown): void {
  const type = protocolErrorOf(error)
  if (type !== 'UNKNOWN_MEMBER_ID' && type !== 'ILLEGAL_GENERATION' && type !== 'REBALANCE_IN_PROGRESS') throw error
}

function lanesOf({ channel, groups }: ChannelRoute, names: Iterable<string>): GroupLanes[] {
  const topics = [...names]
  return [...groups.keys()].map((group) => ({ channel, group, delaysMs: delaysAmong(topics, channel, group) }))
}

function check({ topics, route }: ChannelPlan, facts: Facts): void {
  const { channel, topic, keyed, partitions } = route
  for (const { name } of topics) if (!facts.has(name)) throw missingTopic(channel, name)
  const actual = facts.get(topic)!.partitions
  if (route.isCompacted && !facts.get(topic)!.isCompacted) throw notCompacted(channel, `topic "${topic}"`)
  if (keyed && actual < partitions) {
    const what = `topic "${topic}" has ${actual} partitions, and ${partitions} are declared`
    throw differs(
      channel,
      `${what}: set partitions to ${actual}, or add some with kafka-topics --alter once the groups are drained`,
    )
  }
  for (const { name, kind, isForeign } of topics) {
    const { partitions: found, isCompacted } = facts.get(name)!
    if (kind === 'dead' && !isForeign && isCompacted === false) {
      throw notCompacted(channel, `topic "${name}" of dead letters`)
    }
    if (keyed && (kind === 'group' || kind === 'delay') && found !== actual) {
      const what = `topic "${name}" has ${found} partitions, and "${topic}" ${actual}, so a key would have two owners`
      throw differs(channel, `${what}: give both the same number with kafka-topics --alter`)
    }
  }
}

function notCompacted(channel: string, topic: string): MessagingError {
  return differs(channel, `${topic} has not cleanup.policy=compact: set it with kafka-configs --alter`)
}

function missingTopic(channel: string, topic: string): MessagingError {
  return new MessagingError('notFound', `channel "${channel}": there is no topic "${topic}"`, {
    channel,
    system: 'kafka',
  })
}

function differs(channel: string, what: string): MessagingError {
  return new MessagingError('failedPrecondition', `channel "${channel}": ${what}; it was left as it is`, {
    channel,
    system: 'kafka',
  })
}

/** Kafka says only that a name is invalid when another one is too near. */
function explained(
  error: unknown,
  { channel }: ChannelRoute,
  topics: readonly PlannedTopic[],
  existing: Iterable<string>,
): unknown {
  if (protocolErrorOf(error) !== 'INVALID_TOPIC_EXCEPTION') return error
  for (const { name } of topics) {
    const other = collidingTopic(name, existing)
    if (other === undefined) continue
    const what = `Kafka makes no topic "${name}" beside "${other}", since its metrics take "." and "_" for the same`
    return new MessagingError(
      'failedPrecondition',
      `channel "${channel}": ${what}; name the channel otherwise, or use "${other}" as its address`,
      { cause: error, channel, system: 'kafka' },
    )
  }
  return error
}
