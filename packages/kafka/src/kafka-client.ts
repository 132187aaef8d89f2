/**
 * All that the adapter asks of a Kafka client library, in types of its own: no library's type is known above this file.
 *
 * A client lives for one epoch. It fails fast, never reconnects behind anybody's back once it was told to close, and
 * says `onLost` when the cluster is out of reach.
 */
export interface KafkaClient {
  readonly admin: KafkaAdmin
  /** Resolves when the cluster has answered, for the first time; from then on its silence is noticed. */
  start(): Promise<void>
  /** One producer id: what it sends again by itself, the broker knows for what it is. */
  openProducer(): Promise<KafkaProducer>
  /**
   * Joins a group and takes records as `handlers` say. Resolves once it has joined and knows where to begin with what it
   * was given, which may be nothing yet.
   */
  openGroupConsumer(options: GroupConsumerOptions, handlers: GroupConsumerHandlers): Promise<GroupConsumer>
  /**
   * Reads given partitions from given offsets, outside of any group. Nothing of it is left at the broker. Crashes when the
   * log no longer has what comes next.
   */
  openPartitionReader(options: PartitionReaderOptions, handlers: RecordHandlers): Promise<PartitionReader>
  /** Who is in groups at the moment. Whoever still is when everything ends is missed only after its session. */
  members(): readonly GroupMember[]
  /** Ends everything at once, whatever is under way; no socket is opened any more. Idempotent. */
  destroy(): void
}

export interface GroupMember {
  readonly group: string
  readonly memberId: string
}

/** Flat rather than nested, since all of them are looked up by both. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface PartitionOffset extends TopicPartition {
  /** Of the next record: what is committed, or where to begin. */
  readonly offset: bigint
  /** What is committed beside it. */
  readonly metadata?: string
}

export interface KafkaAdmin {
  /** Those that exist, by name. */
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>
  /** All topics there are. */
  listTopics(): Promise<readonly string[]>
  /** Leaves those that exist as they are; answers with the names of those it made. They have leaders then. */
  createTopics(topics: readonly NewTopic[]): Promise<readonly string[]>
  deleteTopics(topics: readonly string[]): Promise<void>
  /** Those of the named settings that are in force, by topic; without what nobody here may know. */
  topicSettings(topics: readonly string[], names: readonly string[]): Promise<ReadonlyMap<string, TopicSettings>>
  /** Where the first record is (`oldest`), where the next will be (`new`), or the first at or after a time, in ms. */
  offsetsAt(topics: readonly string[], at: 'oldest' | 'new' | number): Promise<readonly PartitionOffset[]>
  /** What a group has committed; partitions without are left out. */
  committedOffsets(group: string, topics: readonly string[]): Promise<readonly PartitionOffset[]>
  /** Commits for a group without being its member. Rejects when it has members. */
  commitOffsets(group: string, offsets: readonly PartitionOffset[]): Promise<void>
  /** Lets groups go on at once without members that are gone. Those that are not there: no harm. */
  removeMembers(members: readonly GroupMember[]): Promise<void>
  /** Those that have no members, and those that are not there: no harm. */
  deleteGroups(groups: readonly string[]): Promise<void>
}

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
}

/** By Kafka's names: `max.message.bytes`. */
export interface TopicSettings {
  readonly [name: string]: string
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  /** -1: as the broker does it. */
  readonly replicationFactor: number
  readonly settings: TopicSettings
}

export interface KafkaProducer {
  /**
   * Resolves when all in-sync replicas have the records, in their order within each partition. A rejection says nothing
   * about which of them the broker has; the producer is of no use after it.
   */
  send(topic: string, records: readonly NewRecord[]): Promise<void>
  /** At once: what is under way is rejected, and not sent after all. */
  close(): Promise<void>
}

export interface NewRecord {
  readonly partition: number
  /** `null`: none, which is not the same as an empty one. */
  readonly key: Buffer | null
  /** `null`: a tombstone. */
  readonly value: Buffer | null
  /** Null prototype: any name is data. */
  readonly headers: { readonly [name: string]: Buffer | string }
}

/** As it came. */
export interface KafkaRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order. A name may come several times. */
  readonly headers: readonly KafkaHeader[]
  readonly offset: string
  /** Since the epoch: by the clock of who sent it, or by the broker's where the topic says so. */
  readonly timestampMs: number
  /** The headers again, without an object for each. */
  readHeaders(reader: HeaderReader): void
}

export interface KafkaHeader {
  readonly name: string
  readonly value: Buffer | null
}

export interface HeaderReader {
  /** The value is `bytes` from `begin` to `end`; an end before its beginning: there is none. */
  takeHeader(name: string, bytes: Buffer, begin: number, end: number): void
}

export interface RecordHandlers {
  /**
   * Records of one partition, in order. The next ones of that partition come once it has resolved; until then they wait,
   * while others go on. The consumer keeps its place in the group meanwhile, however long it takes.
   */
  onRecords(from: TopicPartition, records: readonly KafkaRecord[]): Promise<void>
  /**
   * Behind the records that came there are none before `next`: what was there is compacted away, or marks of transactions.
   */
  onPassed(from: TopicPartition, next: bigint): void
  /** It has ended, not by `close`: thrown out, out of reach. Said once; nothing comes after it. */
  onCrashed(error: unknown): void
}

export interface AssignedPartition extends TopicPartition {
  /** `undefined`: the group never committed anything here. */
  readonly committed: PartitionOffset | undefined
}

export interface GroupConsumerHandlers extends RecordHandlers {
  /**
   * Partitions that are its own from now on, beside those it has. Answers where to begin with each; no record of them
   * comes before. Kept ones go on meanwhile.
   */
  onAssigned(added: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]>
  /**
   * Partitions that others are to get. `commit` works until it resolves; then they are gone. No records of them come
   * meanwhile, while the rest goes on.
   */
  onRevoked(removed: readonly TopicPartition[]): Promise<void>
  /** All partitions are gone already: the group went on without it. It joins anew by itself. */
  onLost(): void
}

export interface GroupConsumerOptions {
  readonly group: string
  /** Partitions of the same number go to the same member, whatever their topic: so a key has one owner. */
  readonly topics: readonly string[]
  /** A member that says nothing for so long is taken for dead. */
  readonly sessionTimeoutMs: number
  /** How long the group waits for members to join anew. */
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
}

export interface GroupConsumer {
  /** By which the group knows it. */
  readonly memberId: string
  /** Rejects when the group has gone on without this member. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>
  /** Leaves the group, so that others take over at once. Does not call `onRevoked`. */
  close(): Promise<void>
}

export interface PartitionReaderOptions {
  readonly from: readonly PartitionOffset[]
}

export interface PartitionReader {
  close(): Promise<void>
}
