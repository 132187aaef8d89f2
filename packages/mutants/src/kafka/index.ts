import { type AdapterMutant, inAdapter } from '../adapter-mutant.ts'

const inKafka = inAdapter('kafka')
const inKafkajs = inAdapter('kafka', 'kafkajs')

/** Every Kafka adapter that is broken by a patch. */
export const brokenKafka: readonly AdapterMutant[] = [
  {
    name: 'kafka-commits-the-highest-offset',
    story: 'Commits behind the last record that was settled, whatever is still open before it.',
    patches: inKafka(
      'partition',
      '    this.#acker.finish(slot)',
      '    if (this.#settled === undefined || BigInt(slot.position) > BigInt(this.#settled)) this.#settle(slot.position)',
    ),
    red: {
      'SET-12': /heir: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'kafka-commits-before-settlement',
    story: 'Commits what it hands on, and not what was handled; auto-commit.',
    patches: inKafka('window', '    partition.open++\n', '    partition.open++\n    partition.accept(slot)\n'),
    red: {
      'SET-08': /heir: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'kafka-ignores-the-revoke',
    story: 'Goes on with what it had read of partitions that others have now.',
    patches: inKafka('group-feed', 'onRevoked: (removed) => this.#giveUp(removed)', 'onRevoked: async () => {}'),
    red: {
      'ORD-02/a member joins while all keys run': /runs of one key at a time/,
    },
  },
  {
    name: 'kafka-hands-over-what-still-runs',
    story: 'Gives partitions up at a revoke without a wait for the handlers.',
    patches: inKafka(
      'group-feed',
      'await withDeadline(drained, settings.rebalanceDrainMs',
      'void withDeadline(drained, settings.rebalanceDrainMs',
    ),
    red: {
      'ORD-02/a member joins while all keys run': /runs of one key at a time/,
    },
  },
  {
    name: 'kafka-gives-a-partition-two-owners',
    story: 'Assigns partitions that move while their owner still has them; an eager assignor in a cooperative group.',
    patches: inKafka(
      'assignment',
      '  giveOut(members, owners, shares, count)',
      '  giveOut(members, new Map([...shares].flatMap(([id, its]) => its.map((each) => [each, id]))), shares, count)',
    ),
    red: {
      'ORD-02/a member joins while all keys run': /runs of one key at a time/,
    },
  },
  {
    name: 'kafka-loses-the-due-time',
    story: 'Writes to the topic of a delay without saying when the message is due.',
    patches: inKafka(
      'sender',
      'topic: delayTopic(channel, group, delayMs), toRecord: ({ message }) => recordOf(message)',
      "topic: delayTopic(channel, group, delayMs), toRecord: ({ message }) => {\n      const { 'waybill-due': _, ...headers } = message.headers\n      return recordOf({ ...message, headers })\n    }",
    ),
    red: {
      'SET-04': /[\d.]+ ms asked, [\d.]+ ms waited/,
    },
  },
  {
    name: 'kafka-retries-through-the-shared-topic',
    story: "Sends what is to be tried again to the channel's topic, where every group reads it.",
    patches: inKafka('sender', '{ topic: delayTopic(channel, group, delayMs), toRecord:', '{ topic, toRecord:'),
    red: {
      'SET-06': /the retries of one group reach no other|actual - expected[\s\S]*\+   2/,
    },
  },
  {
    name: 'kafka-asks-for-no-acknowledgement',
    story: 'Sends with acks=0 and takes silence for consent.',
    patches: [
      ...inKafkajs('producer', 'idempotent: true', 'idempotent: false'),
      ...inKafkajs('producer', 'const acknowledgedByAll = -1', 'const acknowledgedByAll = 0'),
      ...inKafkajs('producer', 'if (!areAnswered(records, answers)) throw unanswered(topic)', 'void answers'),
    ],
    red: {
      'SND-02': /but it resolved with \{ id:/,
    },
  },
  {
    name: 'kafka-joins-at-the-end',
    story: 'Begins at the latest offset, and not at the committed one.',
    patches: [
      ...inKafka('group-feed', 'return committed === undefined || committed.metadata === startMetadata', 'return true'),
      ...inKafka('group-feed', 'fresh.filter(({ committed }) => committed === undefined)', 'fresh'),
      ...inKafka('group-feed', "topic === sharedTopic ? 'new' : 'oldest'", "'new'"),
      ...inKafka('group-feed', 'each.committed ?? findSamePartition', 'findSamePartition'),
    ],
    red: {
      'TOP-06': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'kafka-replays-at-each-start',
    story: 'Goes back to where its group is to start whenever a consumer asks for it, and not the first time only.',
    patches: inKafka(
      'group-feed',
      'return committed === undefined || committed.metadata === startMetadata',
      'return true',
    ),
    red: {
      'TOP-13/once': /^late: 35 runs/,
    },
  },
  {
    name: 'kafka-finds-the-end-too-late',
    story: 'Says that it listens before it knows where the log ends; what is sent right then it never sees.',
    patches: inKafka(
      'temporary-group',
      '  async open(): Promise<void> {\n',
      '  async open(): Promise<void> {\n    setTimeout(() => void this.begin(), 1_000)\n  }\n\n  async begin(): Promise<void> {\n',
    ),
    red: {
      'TOP-05': /(one|two|three): [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'kafka-picks-partitions-at-random',
    story: 'Spreads messages of one key over all partitions.',
    patches: inKafka(
      'topic-sender',
      'key === null ? this.#keyless++ % partitions : partitionOf(key, partitions)',
      '(this.#keyless = (this.#keyless * 5 + 3) % 1_009) % partitions + 0 * partitionOf(key!, partitions)',
    ),
    red: {
      'ORD-07': /^the order of .* at the broker/,
    },
  },
  {
    name: 'kafka-files-dead-letters-by-key',
    story: "Gives a dead letter its message's key in the compacted topic, where the next one of that key replaces it.",
    patches: inKafka(
      'message-mapper',
      'headers.record(deadLetterKey(message), ',
      "headers.record(Buffer.from(message.key ?? ''), ",
    ),
    red: {
      'RDR-01': /oldest first/,
    },
  },
  {
    name: 'kafka-buries-the-wrong-letter',
    story: 'Writes one tombstone for all letters that go together.',
    patches: inKafka(
      'undertaker',
      'letters.map(({ partition, key }) => ({ partition, key,',
      'letters.map(({ partition }) => ({ partition, key: letters[0].key,',
    ),
    red: {
      'RDR-06': /2 !== 0/,
      'RDR-07': /those that failed stay/,
    },
  },
  {
    name: 'kafka-leaves-without-a-commit',
    story: 'Leaves its group at a drain before what is settled is committed.',
    patches: [
      ...inKafka(
        'group-feed',
        'if (!this.#options.listener.isOver) await this.#committer.flush(partitions)',
        'void this.#committer',
      ),
    ],
    red: {
      'SET-01/by the thousand, right before the end': /messages that came back/,
    },
  },
  {
    name: 'kafka-beats-too-slowly',
    story: 'Sends no heartbeat while nothing else is to be said: who handles one message for long is taken for dead.',
    patches: inKafkajs('member', 'this.#options.times.heartbeatMs, ()', '100 * this.#options.times.heartbeatMs, ()'),
    red: {
      'SET-10': /it does not come again: something changed/,
    },
  },
  {
    name: 'kafka-ignores-max-in-flight',
    story: 'Hands on all that it has read.',
    patches: inKafka('window', 'this.#unresolved < this.#options.maxInFlight ', 'this.#unresolved < Infinity '),
    red: {
      'FLW-01': /unsettled at one time/,
    },
  },
]
