import { MessagingError, withDeadline } from '@waybill/core/driver'
import type { AssignedPartition, GroupConsumer, KafkaRecord, PartitionOffset, TopicPartition } from './kafka-client.ts'
import { startMetadata } from './kafka-names.ts'
import { Committer } from './kafka-committer.ts'
import type { Feed, FeedOptions } from './kafka-listener.ts'
import { PartitionIntake } from './kafka-partition.ts'
import { earlier, startsIn } from './kafka-start.ts'
import { findSamePartition } from './kafka-topic-partition.ts'
import { DeliveryWindow } from './kafka-window.ts'

export interface GroupFeedOptions extends FeedOptions {
  /** The consumer group. */
  readonly group: string
  /** All that the group reads. Partitions of one number go together. */
  readonly topics: readonly string[]
  /** Where nothing is committed the group begins at the end of this one, which is everybody's; of others at the beginning. */
  readonly sharedTopic: string | undefined
}

/** How often a member tells that it lives, so that the group finds its order soon after a change. */
const beatMs = 500
/** How long a group waits for its members to join anew. One that is busy does so all the same, and at once. */
const rebalanceTimeoutMs = 10_000

/** Deliveries from a consumer group. Conformance: SET-08, SET-12, SET-15, ORD-02, ORD-05, FLT-10. */
export class GroupFeed implements Feed {
  readonly #options: GroupFeedOptions
  readonly #window: DeliveryWindow
  readonly #committer: Committer
  #consumer: GroupConsumer | undefined

  constructor(options: GroupFeedOptions) {
    const { listener, onDelivery, read, context } = options
    this.#options = options
    this.#window = new DeliveryWindow({
      ...listener.request,
      read,
      onDelivery,
      onUnknown: ({ position }, { kind }) => {
        const error = new MessagingError('unsupported', `Kafka has no settlement "${kind}"; released instead`)
        context.report({ kind: 'settleFailed', ...(position === undefined ? {} : { position }), error })
      },
    })
    this.#committer = new Committer({
      clock: context.clock,
      partitions: () => this.#window.partitions,
      commit: async (offsets) => this.#consumer?.commit(offsets),
      onFailed: (error) => context.report({ kind: 'settleFailed', error }),
    })
  }

  get next(): readonly PartitionOffset[] {
    return this.#window.next
  }

  async open(): Promise<void> {
    const { client, group, topics, settings, listener } = this.#options
    const { sessionTimeoutMs, heartbeatMs } = settings
    const times = { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs: Math.min(heartbeatMs, beatMs) }
    const consumer = await client.openGroupConsumer(
      { group, topics, ...times },
      {
        onAssigned: (added) => this.#begin(added),
        onRevoked: (removed) => this.#giveUp(removed),
        onLost: () => this.#window.lose(),
        onRecords: (from, records) => this.#receive(from, records),
        onPassed: (from, next) => this.#window.partitionAt(from)?.pass(next),
        onCrashed: (error) => listener.crash(error),
      },
    )
    if (listener.isOver) return consumer.close()
    this.#consumer = consumer
    await this.#committer.flush(this.#window.partitions)
    this.#window.handOn()
  }

  async drain(): Promise<void> {
    const partitions = [...this.#window.partitions]
    await this.#window.drain(partitions)
    if (!this.#options.listener.isOver) await this.#committer.flush(partitions)
  }

  async close(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = undefined
    this.#committer.stop()
    this.#window.lose()
    await consumer?.close()
  }

  /**
   * Where to begin with partitions that nobody of the group ever had is committed too, before anything is delivered when
   * it opens: whoever takes over, now or after a crash, begins where this one did, whatever its own `from` says.
   */
  async #begin(added: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]> {
    const { listener } = this.#options
    if (listener.isOver || listener.isDraining) return []
    const fresh = added.filter(isFresh)
    const starts = await this.#startsOf(fresh)
    const begins = [...starts, ...added.filter((each) => !isFresh(each)).flatMap(({ committed }) => committed ?? [])]
    for (const begin of begins) {
      const intake = new PartitionIntake(begin, () => this.#committer.soon())
      if (starts.includes(begin)) intake.claim()
      this.#window.add(intake)
    }
    if (this.#consumer !== undefined && starts.length > 0) this.#committer.soon()
    return begins
  }

  async #startsOf(fresh: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]> {
    const { client, topics, sharedTopic, listener } = this.#options
    const { admin } = client
    const { from = 'new' } = listener.request
    const [main = ''] = topics
    const unknown = fresh.filter(({ committed }) => committed === undefined)
    const found = await Promise.all(
      [...new Set(unknown.map(({ topic }) => topic))].map((topic) =>
        admin.offsetsAt([topic], topic === sharedTopic ? 'new' : 'oldest'),
      ),
    )
    const begins = fresh.flatMap((each) => each.committed ?? findSamePartition(found.flat(), each) ?? [])
    const partitions = fresh.filter(({ topic }) => topic === main).map(({ partition }) => partition)
    return earlier(begins, await startsIn({ admin, topic: main, partitions, from }))
  }

  async #receive(from: TopicPartition, records: readonly KafkaRecord[]): Promise<void> {
    const taken = this.#window.partitionAt(from)?.receive(records)
    if (this.#consumer !== undefined) this.#window.handOn()
    return taken ?? never
  }

  /** Finishes what runs, as long as it may, and hands over what is settled then. */
  async #giveUp(removed: readonly TopicPartition[]): Promise<void> {
    const { context, settings } = this.#options
    const partitions = removed.flatMap((each) => this.#window.partitionAt(each) ?? [])
    const drained = this.#window.drain(partitions)
    for (const { lease } of partitions) lease.recall()
    const late = () => new MessagingError('timeout', 'what moves is still being handled')
    await withDeadline(drained, settings.rebalanceDrainMs, context.clock, late).catch(() => {})
    await this.#committer.flush(partitions).catch(() => {})
    this.#window.lose(partitions)
  }
}

/** Nobody of the group ever had it. */
function isFresh({ committed }: AssignedPartition): boolean {
  return committed === undefined || committed.metadata === startMetadata
}

const never = new Promise<void>(() => {})
