import type { Clock } from '@waybill/core/driver'
import type { Kafka } from 'kafkajs'
import type {
  GroupConsumer,
  GroupConsumerHandlers,
  GroupConsumerOptions,
  PartitionOffset,
  PartitionReader,
  PartitionReaderOptions,
  RecordHandlers,
  TopicPartition,
} from './kafka-client.ts'
import { clusterOf, isUnknownTopic, verdictOf, type KafkajsCluster } from './kafkajs-cluster.ts'
import { Fetcher, placeOf, type FetcherOptions } from './kafkajs-fetcher.ts'
import { KafkajsGroup, type Membership } from './kafkajs-group.ts'
import { KafkajsMember } from './kafkajs-member.ts'

/** What consumers are made of. */
export interface ConsumerSite {
  /** A new kafkajs with sockets of its own, which the site closes. */
  newKafka(): KafkaSockets
  readonly clock: Clock
}

/** For commits that meet a group in motion, or a coordinator that moves. */
const maxTries = 200
const againMs = 50

export interface KafkaSockets {
  readonly kafka: Kafka
  /** Closes what it has opened, at once: whoever waits for an answer is rejected. */
  destroy(): void
}

export async function openGroupConsumer(
  site: ConsumerSite,
  options: GroupConsumerOptions,
  handlers: GroupConsumerHandlers,
): Promise<GroupConsumer> {
  const sockets = [site.newKafka(), site.newKafka()] as const
  const destroy = (): void => {
    for (const each of sockets) each.destroy()
  }
  let clusters: readonly [reading: KafkajsCluster, joining: KafkajsCluster]
  try {
    clusters = await Promise.all([connected(sockets[0], options.topics), connected(sockets[1], options.topics)])
  } catch (error) {
    destroy()
    throw error
  }
  const consumer = new KafkajsGroupConsumer({ site, options, handlers, clusters, destroy })
  await consumer.open()
  return consumer
}

export async function openPartitionReader(
  site: ConsumerSite,
  { from }: PartitionReaderOptions,
  handlers: RecordHandlers,
): Promise<PartitionReader> {
  const sockets = site.newKafka()
  try {
    const cluster = await connected(sockets, new Set(from.map(({ topic }) => topic)))
    const fetcher = new Fetcher({
      cluster,
      ...recordsTo(handlers),
      ...pausing(site),
      onFailed: failed,
      whenGone: 'fail',
    })
    for (const each of from) fetcher.add(each)
    const close = async (): Promise<void> => {
      fetcher.close()
      sockets.destroy()
    }
    function failed(error: unknown): void {
      sockets.destroy()
      handlers.onCrashed(error)
    }
    return { close }
  } catch (error) {
    sockets.destroy()
    throw error
  }
}

interface GroupConsumerParts {
  readonly site: ConsumerSite
  readonly options: GroupConsumerOptions
  readonly handlers: GroupConsumerHandlers
  readonly clusters: readonly [reading: KafkajsCluster, joining: KafkajsCluster]
  /** Closes the connections of both. */
  readonly destroy: () => void
}

/** Reads and commits over one set of connections and joins over another, which it blocks until all members have joined. */
class KafkajsGroupConsumer implements GroupConsumer {
  readonly #parts: GroupConsumerParts
  readonly #group: KafkajsGroup
  readonly #member: KafkajsMember
  readonly #fetcher: Fetcher
  #isOver = false

  constructor(parts: GroupConsumerParts) {
    const { site, options, handlers, clusters } = parts
    const { topics, group, ...times } = options
    const [reading, joining] = clusters
    const onFailed = (error: unknown) => this.#fail(error)
    const handing = { ...recordsTo(handlers), ...pausing(site) }
    this.#parts = parts
    this.#fetcher = new Fetcher({ cluster: reading, ...handing, onFailed, whenGone: 'oldest' })
    this.#group = new KafkajsGroup(reading, group, joining)
    this.#member = new KafkajsMember({
      group: this.#group,
      topics,
      times,
      clock: site.clock,
      countPartitions: () => countPartitions(reading, topics),
      onAdded: (added) => this.#begin(added),
      onRemoved: (removed) => this.#giveUp(removed),
      onFenced: () => this.#fenced(),
      onFailed,
    })
  }

  get memberId(): string {
    return this.#member.membership.memberId
  }

  /** Leaves nothing behind when it rejects: a member that is gone would keep its partitions for a session. */
  async open(): Promise<void> {
    try {
      await this.#member.join()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { membership } = this.#member
      try {
        return await this.#group.commit(membership, offsets)
      } catch (error) {
        if (this.#isOver || tries === maxTries) throw error
        await this.#mayCommitAgain(error, membership)
      }
    }
  }

  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#fetcher.close()
    this.#member.end()
    const { memberId } = this
    // Who cannot be told finds out when the session is over.
    if (memberId !== '') await this.#group.leave(memberId).catch(() => {})
    this.#parts.destroy()
  }

  /** The same member may commit again in the generation that comes, or once a coordinator is found. Throws otherwise. */
  async #mayCommitAgain(error: unknown, by: Membership): Promise<void> {
    const verdict = verdictOf(error)
    await this.#member.joining?.catch(() => {})
    const { memberId, generation } = this.#member.membership
    if (memberId !== by.memberId || verdict === 'failed') throw error
    if (verdict === 'fenced' && generation === by.generation) {
      this.#member.fenced()
      throw error
    }
    this.#group.forgetCoordinator()
    await pauseOn(this.#parts.site.clock)(againMs)
  }

  async #begin(added: readonly TopicPartition[]): Promise<void> {
    const { memberId } = this
    const committed = new Map((await this.#group.committed(added)).map((each) => [placeOf(each), each]))
    const begin = await this.#parts.handlers.onAssigned(
      added.map((each) => ({ ...each, committed: committed.get(placeOf(each)) })),
    )
    if (this.memberId === memberId) for (const each of begin) this.#fetcher.add(each)
  }

  async #giveUp(removed: readonly TopicPartition[]): Promise<void> {
    for (const each of removed) this.#fetcher.remove(each)
    await this.#parts.handlers.onRevoked(removed)
  }

  #fenced(): void {
    this.#fetcher.clear()
    this.#parts.handlers.onLost()
  }

  /** Where the connection is not what failed, others need not wait for the end of the session. */
  #fail(error: unknown): void {
    if (this.#isOver) return
    void this.close()
    this.#parts.handlers.onCrashed(error)
  }
}

/** A topic that was just made may not be known to the broker that is asked. Each try takes a way there and back. */
const maxUnknown = 100

async function connected({ kafka }: KafkaSockets, topics: Iterable<string>): Promise<KafkajsCluster> {
  const cluster = clusterOf(kafka)
  await cluster.connect()
  for (const topic of topics) {
    for (let tries = 1; ; tries++) {
      try {
        await cluster.addTargetTopic(topic)
        break
      } catch (error) {
        if (tries === maxUnknown || !isUnknownTopic(error)) throw error
      }
    }
  }
  return cluster
}

async function countPartitions(cluster: KafkajsCluster, topics: readonly string[]): Promise<Map<string, number>> {
  await cluster.refreshMetadata()
  return new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]))
}

function recordsTo(handlers: RecordHandlers): Pick<FetcherOptions, 'onRecords' | 'onPassed'> {
  return {
    onRecords: (from, records) => handlers.onRecords(from, records),
    onPassed: (from, next) => handlers.onPassed(from, next),
  }
}

function pausing({ clock }: ConsumerSite): Pick<FetcherOptions, 'pause'> {
  return { pause: pauseOn(clock) }
}

function pauseOn(clock: Clock): (delayMs: number) => Promise<void> {
  return (delayMs) => new Promise((resolve) => clock.after(delayMs, resolve))
}
