import type { Listener, ListenRequest } from '@waybill/core/driver'
import type { KafkaRecord, PartitionOffset, PartitionReader, TopicPartition } from './kafka-client.ts'
import type { ListenerOptions } from './kafka-listener.ts'
import { PartitionIntake } from './kafka-partition.ts'
import { earlier, startsIn } from './kafka-start.ts'
import { DeliveryWindow } from './kafka-window.ts'

export interface TemporaryGroupOptions
  extends Pick<ListenerOptions, 'client' | 'request' | 'onDelivery' | 'read' | 'onCrashed'> {
  readonly topic: string
  readonly onOver: (group: TemporaryGroup) => void
}

/**
 * All of a topic for one listener alone: it reads the partitions itself, belongs to no group, commits nothing, and leaves
 * nothing behind. Conformance: TOP-05, TOP-14, SCH-05.
 */
export class TemporaryGroup implements Listener {
  readonly ended: Promise<unknown>
  readonly #options: TemporaryGroupOptions
  readonly #window: DeliveryWindow
  #reader: PartitionReader | undefined
  #isOver = false
  #drained: Promise<void> | undefined
  #end!: (error: unknown) => void

  private constructor(options: TemporaryGroupOptions) {
    const { request, onDelivery, read } = options
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    const maxInFlightBytes = request.maxInFlightBytes ?? Infinity
    this.#window = new DeliveryWindow({ ...request, maxInFlightBytes, read, onDelivery, onUnknown: () => {} })
  }

  static async open(options: TemporaryGroupOptions): Promise<TemporaryGroup> {
    const group = new TemporaryGroup(options)
    await group.#open()
    return group
  }

  get request(): ListenRequest {
    return this.#options.request
  }

  /** Where the next record to be delivered is, of each partition. */
  get next(): readonly PartitionOffset[] {
    return this.#window.partitions.map(({ topic, partition, next }) => ({ topic, partition, offset: next }))
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  async close(error: unknown): Promise<void> {
    const reader = this.#reader
    this.#lose(error)
    await reader?.close().catch(() => {})
  }

  /** From the end that there is now, so that whatever is sent later comes, or from before it. */
  async #open(): Promise<void> {
    const { client, topic, request } = this.#options
    const { admin } = client
    const ends = await admin.offsetsAt([topic], 'new')
    const partitions = ends.map(({ partition }) => partition)
    const from = earlier(ends, await startsIn({ admin, topic, partitions, from: request.from ?? 'new' }))
    for (const each of from) this.#window.add(new PartitionIntake(each, () => {}))
    this.#reader = await client.openPartitionReader(
      { from },
      {
        onRecords: (at, records) => this.#receive(at, records),
        onPassed: (at, next) => this.#window.partitionAt(at)?.pass(next),
        onCrashed: (error) => this.#crash(error),
      },
    )
    if (this.#isOver) await this.#reader.close()
  }

  async #drain(): Promise<void> {
    const partitions = [...this.#window.partitions]
    for (const partition of partitions) partition.stop()
    await Promise.all(partitions.map((partition) => partition.idle()))
    await this.close(undefined)
  }

  #receive(from: TopicPartition, records: readonly KafkaRecord[]): Promise<void> {
    const taken = this.#window.partitionAt(from)?.receive(records)
    this.#window.handOn()
    return taken ?? new Promise(() => {})
  }

  #crash(error: unknown): void {
    if (this.#isOver) return
    this.#options.onCrashed(error)
    this.#lose(error)
  }

  #lose(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const partition of this.#window.partitions) partition.lose()
    this.#options.onOver(this)
    this.#end(error)
  }
}
