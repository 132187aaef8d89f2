import type { KafkaRecord, PartitionOffset, PartitionReader, TopicPartition } from './kafka-client.ts'
import type { Feed, FeedOptions } from './kafka-listener.ts'
import { PartitionIntake } from './kafka-partition.ts'
import { earlier, startsIn } from './kafka-start.ts'
import { DeliveryWindow } from './kafka-window.ts'

export interface TemporaryGroupOptions extends FeedOptions {
  readonly topic: string
}

/**
 * All of a topic for one listener alone: it reads the partitions itself, belongs to no group, commits nothing, and leaves
 * nothing behind. Conformance: TOP-05, TOP-14, SCH-05.
 */
export class TemporaryGroup implements Feed {
  readonly #options: TemporaryGroupOptions
  readonly #window: DeliveryWindow
  #reader: PartitionReader | undefined

  constructor(options: TemporaryGroupOptions) {
    const { listener, onDelivery, read } = options
    this.#options = options
    this.#window = new DeliveryWindow({ ...listener.request, read, onDelivery, onUnknown: () => {} })
  }

  get next(): readonly PartitionOffset[] {
    return this.#window.next
  }

  /** From the end that there is now, so that whatever is sent later comes, or from before it. */
  async open(): Promise<void> {
    const { client, topic, listener } = this.#options
    const { admin } = client
    const ends = await admin.offsetsAt([topic], 'new')
    const partitions = ends.map(({ partition }) => partition)
    const from = earlier(ends, await startsIn({ admin, topic, partitions, from: listener.request.from ?? 'new' }))
    for (const each of from) this.#window.add(new PartitionIntake(each, () => {}))
    this.#reader = await client.openPartitionReader(
      { from },
      {
        onRecords: (at, records) => this.#receive(at, records),
        onPassed: (at, next) => this.#window.partitionAt(at)?.pass(next),
        onCrashed: (error) => listener.crash(error),
      },
    )
    if (listener.isOver) await this.#reader.close()
  }

  drain(): Promise<void> {
    return this.#window.drain()
  }

  async close(): Promise<void> {
    this.#window.lose()
    await this.#reader?.close()
  }

  #receive(from: TopicPartition, records: readonly KafkaRecord[]): Promise<void> {
    const taken = this.#window.partitionAt(from)?.receive(records)
    this.#window.handOn()
    return taken ?? new Promise(() => {})
  }
}
