import type { Delivery, ListenRequest, OnDelivery, Settlement, WireMessage } from '@waybill/core/driver'
import type { KafkaDelivery } from './kafka-delivery.ts'
import type { KafkaRecord, PartitionOffset, TopicPartition } from './kafka-client.ts'
import type { PartitionIntake, Slot } from './kafka-partition.ts'
import { findSamePartition } from './kafka-topic-partition.ts'

export interface WindowOptions extends Pick<ListenRequest, 'maxInFlight' | 'maxInFlightBytes'> {
  /** `undefined`: it is for others, and passed over. */
  readonly read: (record: KafkaRecord) => WireMessage | undefined
  readonly onDelivery: OnDelivery
  /** A settlement that Kafka does not have. */
  readonly onUnknown: (delivery: Delivery, settlement: Settlement) => void
}

/**
 * Hands records of all partitions of a listener on, in turns, as many at a time as it may. Nothing is awaited on the way:
 * what is resolved makes room for the next. Conformance: FLW-01, FLW-04.
 */
export class DeliveryWindow {
  readonly #options: WindowOptions
  readonly #maxBytes: number
  readonly #partitions: PartitionIntake[] = []
  #turn = 0
  #unresolved = 0
  #bytes = 0
  #isHandingOn = false

  constructor(options: WindowOptions) {
    this.#options = options
    this.#maxBytes = options.maxInFlightBytes ?? Infinity
  }

  get partitions(): readonly PartitionIntake[] {
    return this.#partitions
  }

  partitionAt(place: TopicPartition): PartitionIntake | undefined {
    return findSamePartition(this.#partitions, place)
  }

  add(partition: PartitionIntake): void {
    this.#partitions.push(partition)
  }

  /** Where the next record to be delivered is, of each partition. */
  get next(): readonly PartitionOffset[] {
    return this.#partitions.map(({ topic, partition, next }) => ({ topic, partition, offset: next }))
  }

  /** Delivers nothing more of these; resolves when all that was delivered of them is resolved, or void. */
  async drain(partitions: readonly PartitionIntake[] = [...this.#partitions]): Promise<void> {
    for (const partition of partitions) partition.stop()
    await Promise.all(partitions.map((partition) => partition.idle()))
  }

  /** Takes these out: settling what was delivered of them is void. */
  lose(partitions: readonly PartitionIntake[] = this.#partitions): void {
    for (const partition of [...partitions]) {
      const index = this.#partitions.indexOf(partition)
      if (index >= 0) this.#partitions.splice(index, 1)
      partition.lose()
    }
  }

  /** Hands on all that there is room for. */
  handOn(): void {
    if (this.#isHandingOn) return
    this.#isHandingOn = true
    while (this.#hasRoom) {
      const partition = this.#next()
      if (partition === undefined) break
      this.#deliver(partition)
    }
    this.#isHandingOn = false
  }

  get #hasRoom(): boolean {
    return this.#unresolved < this.#options.maxInFlight && this.#bytes < this.#maxBytes
  }

  #next(): PartitionIntake | undefined {
    const count = this.#partitions.length
    for (let tried = 0; tried < count; tried++) {
      this.#turn = (this.#turn + 1) % count
      const partition = this.#partitions[this.#turn] as PartitionIntake
      if (partition.hasRecord) return partition
    }
    return undefined
  }

  #deliver(partition: PartitionIntake): void {
    const record = partition.take()
    const slot = partition.begin(record)
    const message = this.#options.read(record)
    if (message === undefined) return partition.accept(slot)
    this.#unresolved++
    this.#bytes += message.body?.byteLength ?? 0
    partition.open++
    const delivery = new PartitionDelivery(message, partition, record)
    void this.#options.onDelivery(delivery).then((settlement) => this.#settle(delivery, partition, slot, settlement))
  }

  #settle(delivery: Delivery, partition: PartitionIntake, slot: Slot, settlement: Settlement): void {
    this.#unresolved--
    this.#bytes -= delivery.message.body?.byteLength ?? 0
    if (settlement.kind === 'accept') partition.accept(slot)
    else this.#giveBack(delivery, partition, slot, settlement)
    partition.resolved()
    this.handOn()
  }

  #giveBack(delivery: Delivery, partition: PartitionIntake, slot: Slot, settlement: Settlement): void {
    partition.release(slot)
    if (settlement.kind !== 'release') this.#options.onUnknown(delivery, settlement)
  }
}

/** One record as the core sees it. */
class PartitionDelivery implements Delivery {
  readonly message: WireMessage
  readonly #partition: PartitionIntake
  readonly #record: KafkaRecord

  constructor(message: WireMessage, partition: PartitionIntake, record: KafkaRecord) {
    this.message = message
    this.#partition = partition
    this.#record = record
  }

  get lease(): PartitionIntake['lease'] {
    return this.#partition.lease
  }

  get position(): string {
    return `${this.#partition.topic}/${this.#partition.partition}@${this.#record.offset}`
  }

  get native(): KafkaDelivery {
    const { topic, partition } = this.#partition
    return { topic, partition, record: this.#record }
  }
}
