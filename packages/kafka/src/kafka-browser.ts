import { MessagingError, SharedLease } from '@waybill/core/driver'
import type { AssignedPartition, GroupConsumer, KafkaRecord, PartitionOffset, TopicPartition } from './kafka-client.ts'
import { Letters, type Letter } from './kafka-letters.ts'
import type { Feed, FeedOptions } from './kafka-listener.ts'
import { Undertaker } from './kafka-undertaker.ts'

export interface BrowserOptions extends FeedOptions {
  readonly topic: string
  readonly isCompacted: boolean
}

/** How long to wait for others who are looking. */
const maxWaitMs = 60_000
const beatMs = 500

/**
 * Looks at what is in a topic of dead letters: reads it to the end that it had at the beginning, shows each letter once,
 * and buries those that are accepted.
 *
 * Who looks is a member of a group that has the topic to itself, so that two never redrive one letter. The group is gone
 * with the last of them. Conformance: RDR-01, RDR-07.
 */
export class TopicBrowser implements Feed {
  readonly #options: BrowserOptions
  readonly #lease = new SharedLease()
  readonly #letters: Letters
  readonly #undertaker: Undertaker
  /** How far each partition is still to be read. */
  readonly #ends = new Map<number, bigint>()
  readonly #over = Promise.withResolvers<void>()
  readonly #assigned = Promise.withResolvers<void>()
  #consumer: GroupConsumer | undefined
  #unsettled = 0
  #whenSettled: (() => void) | undefined
  #isShown = false

  constructor(options: BrowserOptions) {
    this.#options = options
    this.#letters = new Letters(options.isCompacted)
    this.#undertaker = new Undertaker(options.client, options.topic, (letter, error) =>
      options.context.report({ kind: 'settleFailed', position: letter.position, error }),
    )
  }

  get next(): readonly PartitionOffset[] {
    return []
  }

  async open(): Promise<void> {
    const { client, topic, settings, context, listener } = this.#options
    const { sessionTimeoutMs } = settings
    this.#consumer = await client.openGroupConsumer(
      { group: topic, topics: [topic], sessionTimeoutMs, rebalanceTimeoutMs: maxWaitMs, heartbeatMs: beatMs },
      {
        onAssigned: (added) => this.#begin(added),
        onRevoked: () => this.#over.promise,
        onLost: () => listener.crash(new MessagingError('leaseLost', `"${topic}" was given to somebody else`)),
        onRecords: async (from, records) => this.#read(from, records),
        onPassed: (from, next) => this.#hasRead(from, next),
        onCrashed: (error) => listener.crash(error),
      },
    )
    let isLate = false
    const timer = context.clock.after(maxWaitMs, () => {
      isLate = true
      this.#assigned.resolve()
    })
    await this.#assigned.promise
    timer.cancel()
    if (!isLate && !listener.isOver) return
    await this.#consumer.close()
    throw new MessagingError('unavailable', `somebody else is still looking at "${topic}"; try again later`)
  }

  async #begin(added: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]> {
    const { client, topic, listener } = this.#options
    if (listener.isOver || this.#isShown) return []
    const [oldest, ends] = await Promise.all([
      client.admin.offsetsAt([topic], 'oldest'),
      client.admin.offsetsAt([topic], 'new'),
    ])
    const isAdded = ({ partition }: TopicPartition) => added.some((each) => each.partition === partition)
    const first = new Map(oldest.map(({ partition, offset }) => [partition, offset]))
    for (const { partition, offset } of ends.filter(isAdded)) {
      if (offset > (first.get(partition) ?? 0n)) this.#ends.set(partition, offset)
    }
    this.#assigned.resolve()
    if (this.#ends.size === 0) queueMicrotask(() => this.#show())
    return oldest.filter(isAdded)
  }

  #read({ partition }: TopicPartition, records: readonly KafkaRecord[]): void {
    const end = this.#ends.get(partition)
    if (end === undefined) return
    for (const record of records) {
      if (BigInt(record.offset) < end) this.#letters.read(partition, record)
    }
    const last = records.at(-1)
    if (last !== undefined) this.#hasRead({ partition }, BigInt(last.offset) + 1n)
  }

  #hasRead({ partition }: Pick<TopicPartition, 'partition'>, next: bigint): void {
    const end = this.#ends.get(partition)
    if (end === undefined || next < end) return
    this.#ends.delete(partition)
    if (this.#ends.size === 0) this.#show()
  }

  #show(): void {
    const { listener } = this.#options
    if (listener.isOver || this.#isShown) return
    this.#isShown = true
    for (const letter of this.#letters.all()) this.#deliver(letter)
    listener.end()
  }

  #deliver(letter: Letter): void {
    const { topic, read, onDelivery, listener } = this.#options
    const { partition, record } = letter
    const message = read(record)
    if (message === undefined) return
    this.#unsettled++
    const native = { topic, partition, record }
    const position = `${topic}/${letter.position}`
    void onDelivery({ message, lease: this.#lease, position, native }).then(({ kind }) => {
      if (kind === 'accept' && !listener.isOver) this.#undertaker.bury(letter)
      if (--this.#unsettled === 0) this.#whenSettled?.()
    })
  }

  async drain(): Promise<void> {
    this.#isShown = true
    const { client, topic, listener } = this.#options
    if (this.#unsettled > 0 && !listener.isOver) await new Promise<void>((resolve) => (this.#whenSettled = resolve))
    await this.#undertaker.close()
    if (listener.isOver) return
    await listener.close(undefined)
    await client.admin.deleteGroups([topic])
  }

  async close(): Promise<void> {
    this.#lease.lose()
    this.#assigned.resolve()
    this.#over.resolve()
    this.#whenSettled?.()
    await this.#consumer?.close()
  }
}
