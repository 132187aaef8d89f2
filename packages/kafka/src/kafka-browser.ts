import { MessagingError, SharedLease, type Listener, type ListenRequest } from '@waybill/core/driver'
import type { AssignedPartition, GroupConsumer, KafkaRecord, PartitionOffset, TopicPartition } from './kafka-client.ts'
import { Letters, type Letter } from './kafka-letters.ts'
import type { ListenerOptions } from './kafka-listener.ts'
import { Undertaker } from './kafka-undertaker.ts'

export interface BrowserOptions
  extends Pick<ListenerOptions, 'client' | 'settings' | 'context' | 'request' | 'onDelivery' | 'onCrashed'> {
  readonly topic: string
  readonly isCompacted: boolean
  readonly read: (record: KafkaRecord) => ReturnType<ListenerOptions['read']>
  readonly onOver: (browser: TopicBrowser) => void
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
export class TopicBrowser implements Listener {
  readonly ended: Promise<unknown>
  readonly #options: BrowserOptions
  readonly #lease = new SharedLease()
  readonly #letters: Letters
  readonly #undertaker: Undertaker
  /** How far each partition is still to be read. */
  readonly #ends = new Map<number, bigint>()
  readonly #drained = Promise.withResolvers<void>()
  readonly #assigned = Promise.withResolvers<void>()
  #consumer: GroupConsumer | undefined
  #open = 0
  #whenSettled: (() => void) | undefined
  #draining: Promise<void> | undefined
  #isOver = false
  #isShown = false
  #end!: (error: unknown) => void

  private constructor(options: BrowserOptions) {
    this.#options = options
    this.#letters = new Letters(options.isCompacted)
    this.#undertaker = new Undertaker(options.client, options.topic, (letter, error) =>
      options.context.report({ kind: 'settleFailed', position: letter.position, error }),
    )
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  static async open(options: BrowserOptions): Promise<TopicBrowser> {
    const browser = new TopicBrowser(options)
    await browser.#join()
    return browser
  }

  get request(): ListenRequest {
    return this.#options.request
  }

  get next(): readonly PartitionOffset[] {
    return []
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain()
    return this.#draining
  }

  async close(error: unknown): Promise<void> {
    const consumer = this.#consumer
    this.#lose(error)
    await consumer?.close().catch(() => {})
  }

  async #join(): Promise<void> {
    const { client, topic, settings, context } = this.#options
    const { sessionTimeoutMs } = settings
    this.#consumer = await client.openGroupConsumer(
      { group: topic, topics: [topic], sessionTimeoutMs, rebalanceTimeoutMs: maxWaitMs, heartbeatMs: beatMs },
      {
        onAssigned: (added) => this.#begin(added),
        onRevoked: () => this.#drained.promise,
        onLost: () => this.#crash(new MessagingError('leaseLost', `"${topic}" was given to somebody else`)),
        onRecords: async (from, records) => this.#read(from, records),
        onPassed: (from, next) => this.#hasRead(from, next),
        onCrashed: (error) => this.#crash(error),
      },
    )
    let isLate = false
    const timer = context.clock.after(maxWaitMs, () => {
      isLate = true
      this.#assigned.resolve()
    })
    await this.#assigned.promise
    timer.cancel()
    if (!isLate && !this.#isOver) return
    await this.close(undefined)
    throw new MessagingError('unavailable', `somebody else is still looking at "${topic}"; try again later`)
  }

  async #begin(added: readonly AssignedPartition[]): Promise<readonly PartitionOffset[]> {
    const { client, topic } = this.#options
    if (this.#isOver || this.#isShown) return []
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
    if (this.#isOver || this.#isShown) return
    this.#isShown = true
    for (const letter of this.#letters.all()) this.#deliver(letter)
    this.#end(undefined)
  }

  #deliver(letter: Letter): void {
    const { topic, read, onDelivery } = this.#options
    const { partition, record } = letter
    const message = read(record)
    if (message === undefined) return
    this.#open++
    const native = { topic, partition, record }
    const position = `${topic}/${letter.position}`
    void onDelivery({ message, lease: this.#lease, position, native }).then(({ kind }) => {
      if (kind === 'accept' && !this.#isOver) this.#undertaker.bury(letter)
      if (--this.#open === 0) this.#whenSettled?.()
    })
  }

  async #drain(): Promise<void> {
    this.#isShown = true
    const { client, topic } = this.#options
    if (this.#open > 0 && !this.#isOver) await new Promise<void>((resolve) => (this.#whenSettled = resolve))
    await this.#undertaker.close()
    if (this.#isOver) return
    await this.close(undefined)
    await client.admin.deleteGroups([topic])
  }

  #crash(error: unknown): void {
    if (this.#isOver) return
    this.#options.onCrashed(error)
    this.#lose(error)
  }

  #lose(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#consumer = undefined
    this.#lease.lose()
    this.#assigned.resolve()
    this.#drained.resolve()
    this.#whenSettled?.()
    this.#options.onOver(this)
    this.#end(error)
  }
}
