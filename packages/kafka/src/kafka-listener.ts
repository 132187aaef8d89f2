import {
  MessagingError,
  type DriverContext,
  type Listener,
  type ListenRequest,
  type OnDelivery,
  type Timer,
  type WireMessage,
} from '@waybill/core/driver'
import type {
  AssignedPartition,
  GroupConsumer,
  KafkaClient,
  KafkaRecord,
  PartitionOffset,
  TopicPartition,
} from './kafka-client.ts'
import { startMetadata } from './kafka-names.ts'
import { Committer } from './kafka-committer.ts'
import type { KafkaSettings } from './kafka-options.ts'
import { PartitionIntake } from './kafka-partition.ts'
import { earlier, startsIn } from './kafka-start.ts'
import { findSamePartition } from './kafka-topic-partition.ts'
import { DeliveryWindow } from './kafka-window.ts'

export interface ListenerOptions {
  readonly client: KafkaClient
  readonly settings: KafkaSettings
  readonly context: DriverContext
  readonly request: ListenRequest
  readonly onDelivery: OnDelivery
  /** The consumer group. */
  readonly group: string
  /** All that the group reads. Partitions of one number go together. */
  readonly topics: readonly string[]
  /** Where nothing is committed the group begins at the end of this one, which is everybody's; of others at the beginning. */
  readonly sharedTopic: string | undefined
  /** `undefined`: it is for others. */
  readonly read: (record: KafkaRecord) => WireMessage | undefined
  /** Told first of what ends the listener by itself: the connection may be gone with it. */
  readonly onCrashed: (error: unknown) => void
  /** Nothing is delivered or settled any more. */
  readonly onOver: (listener: GroupListener) => void
}

/** How often a member tells that it lives, so that the group finds its order soon after a change. */
const beatMs = 500
/** How long a group waits for its members to join anew. One that is busy does so all the same, and at once. */
const rebalanceTimeoutMs = 10_000

/** Deliveries from a consumer group. Conformance: SET-08, SET-12, SET-15, ORD-02, ORD-05, FLT-10. */
export class GroupListener implements Listener {
  readonly ended: Promise<unknown>
  readonly #options: ListenerOptions
  readonly #window: DeliveryWindow
  readonly #committer: Committer
  #consumer: GroupConsumer | undefined
  /** Beginnings that are to be committed. */
  readonly #starts: PartitionOffset[] = []
  #isOver = false
  #drained: Promise<void> | undefined
  #end!: (error: unknown) => void

  private constructor(options: ListenerOptions) {
    const { request, onDelivery, read, context } = options
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#window = new DeliveryWindow({
      maxInFlight: request.maxInFlight,
      maxInFlightBytes: request.maxInFlightBytes ?? Infinity,
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

  static async open(options: ListenerOptions): Promise<GroupListener> {
    const listener = new GroupListener(options)
    await listener.#open()
    return listener
  }

  get request(): ListenRequest {
    return this.#options.request
  }

  /** Where the next record to be delivered is, of each partition it has. */
  get next(): readonly PartitionOffset[] {
    return this.#window.partitions.map(({ topic, partition, next }) => ({ topic, partition, offset: next }))
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  /** The epoch is over: everything is void. Others take over at once if they can be told. */
  async close(error: unknown): Promise<void> {
    const consumer = this.#consumer
    this.#lose(error)
    await consumer?.close().catch(() => {})
  }

  async #open(): Promise<void> {
    const { client, group, topics, settings } = this.#options
    const { sessionTimeoutMs, heartbeatMs } = settings
    const times = { sessionTimeoutMs, rebalanceTimeoutMs, heartbeatMs: Math.min(heartbeatMs, beatMs) }
    const consumer = await client.openGroupConsumer(
      { group, topics, ...times },
      {
        onAssigned: (added) => this.#begin(added),
        onRevoked: (removed) => this.#giveUp(removed),
        onLost: () => this.#losePartitions(this.#window.partitions),
        onRecords: (from, records) => this.#receive(from, records),
        onPassed: (from, next) => this.#window.partitionAt(from)?.pass(next),
        onCrashed: (error) => this.#crash(error),
      },
    )
    this.#consumer = consumer
    if (this.#isOver) return consumer.close()
    await this.#commitStarts()
    this.#window.handOn()
  }

  async #drain(): Promise<void> {
    const partitions = [...this.#window.partitions]
    for (const partition of partitions) partition.stop()
    await Promise.all(partitions.map((partition) => partition.idle()))
    if (this.#isOver) return
    try {
      await this.#committer.flush(partitions)
    } finally {
      const consumer = this.#consumer
      this.#lose(undefined)
      await consumer?.close()
    }
  }

  /**
   * Where to begin with partitions that nobody of the group ever had is committed before anything else: from then on the
   * group goes on where it was, whatever a later member's `from` says.
   */
  async #begin(added: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]> {
    if (this.#isOver || this.#drained !== undefined) return []
    const fresh = added.filter(isFresh)
    const starts = await this.#startsOf(fresh)
    const begins = [...starts, ...added.filter((each) => !isFresh(each)).flatMap(({ committed }) => committed ?? [])]
    this.#starts.push(...starts.map(({ topic, partition, offset }) => ({ topic, partition, offset })))
    for (const begin of begins) {
      this.#window.add(new PartitionIntake(begin, () => this.#committer.soon()))
    }
    if (this.#consumer !== undefined) void this.#commitStarts().catch(() => {})
    return begins
  }

  async #startsOf(fresh: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]> {
    const { client, topics, sharedTopic, request } = this.#options
    const { admin } = client
    const [main = ''] = topics
    const unknown = fresh.filter(({ committed }) => committed === undefined)
    const found = await Promise.all(
      [...new Set(unknown.map(({ topic }) => topic))].map((topic) =>
        admin.offsetsAt([topic], topic === sharedTopic ? 'new' : 'oldest'),
      ),
    )
    const begins = fresh.flatMap((each) => each.committed ?? findSamePartition(found.flat(), each) ?? [])
    const partitions = fresh.filter(({ topic }) => topic === main).map(({ partition }) => partition)
    return earlier(begins, await startsIn({ admin, topic: main, partitions, from: request.from ?? 'new' }))
  }

  async #receive(from: TopicPartition, records: readonly KafkaRecord[]): Promise<void> {
    const taken = this.#window.partitionAt(from)?.receive(records)
    if (this.#consumer !== undefined) this.#window.handOn()
    return taken ?? never
  }

  /** Finishes what runs, as long as it may, and hands over what is settled then. */
  async #giveUp(removed: readonly TopicPartition[]): Promise<void> {
    const partitions = removed.flatMap((each) => this.#window.partitionAt(each) ?? [])
    for (const partition of partitions) {
      partition.stop()
      partition.lease.recall()
    }
    const { context, settings } = this.#options
    let timer: Timer | undefined
    const late = new Promise<void>((resolve) => {
      timer = context.clock.after(settings.rebalanceDrainMs, resolve)
    })
    await Promise.race([Promise.all(partitions.map((partition) => partition.idle())), late])
    timer?.cancel()
    await this.#committer.flush(partitions).catch(() => {})
    this.#losePartitions(partitions)
  }

  #losePartitions(partitions: readonly PartitionIntake[]): void {
    for (const partition of [...partitions]) {
      this.#window.remove(partition)
      partition.lose()
    }
  }

  /** Whoever takes over, now or after a crash, begins where this one did. */
  async #commitStarts(): Promise<void> {
    const starts = this.#starts.splice(0)
    if (starts.length > 0) await this.#consumer?.commit(starts)
  }

  #crash(error: unknown): void {
    if (this.#isOver) return
    this.#options.onCrashed(error)
    this.#lose(error)
  }

  /** Nothing is settled here any more. */
  #lose(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#committer.stop()
    this.#consumer = undefined
    this.#losePartitions(this.#window.partitions)
    this.#options.onOver(this)
    this.#end(error)
  }
}

/** Nobody of the group ever had it. */
function isFresh({ committed }: AssignedPartition): boolean {
  return committed === undefined || committed.metadata === startMetadata
}

const never = new Promise<void>(() => {})
