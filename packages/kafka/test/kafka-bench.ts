import { DriverBench } from '@waybill/conformance/bench'
import type { Driver } from '@waybill/core/driver'
import type { Admin } from 'kafkajs'
import { inject } from 'vitest'
import { kafka, type KafkaOptions } from '../src/index.ts'
import { kafkaAt, RawLog, type RawRecord } from './kafka-cluster.ts'

export const brokerUrl = process.env.WAYBILL_KAFKA_URL ?? inject('kafka').url

/** A driver on the real broker, kafkajs beside it, and what is left of both is closed by `close`. */
export class Bench extends DriverBench {
  readonly #options: Omit<KafkaOptions, 'url'>
  #admin: Promise<Admin> | undefined
  #log: Promise<RawLog> | undefined

  constructor(options: Omit<KafkaOptions, 'url'> = {}) {
    const own = { partitions: 3, heartbeatMs: 2_000, sessionTimeoutMs: 6_000, ...options }
    super(kafka({ url: brokerUrl, ...own }))
    this.#options = own
  }

  /** A driver by another way to the broker. */
  through(url: string): Driver {
    return kafka({ ...this.#options, url })
  }

  admin(): Promise<Admin> {
    this.#admin ??= (async () => {
      const admin = kafkaAt(brokerUrl).admin()
      await admin.connect()
      return admin
    })()
    return this.#admin
  }

  /** A topic that somebody else made. */
  async makeTopic(topic: string, partitions = 1, settings: { readonly [name: string]: string } = {}): Promise<void> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    await (await this.admin()).createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] })
  }

  /** Removes all records of a partition before `offset`, as retention does. */
  async truncate(topic: string, partition: number, offset: number): Promise<void> {
    const admin = await this.fresh()
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  async topics(fragment: string): Promise<string[]> {
    return (await (await this.admin()).listTopics()).filter((topic) => topic.includes(fragment)).sort()
  }

  /** All records of a topic, partition by partition. */
  async records(topic: string): Promise<RawRecord[]> {
    this.#log ??= RawLog.open(kafkaAt(brokerUrl))
    const log = await this.#log
    const found: RawRecord[] = []
    for (const { partition, low, high } of await this.#offsets(topic)) {
      found.push(...(await log.read({ topic, partition, offset: BigInt(low) }, BigInt(high))))
    }
    return found
  }

  async bodies(topic: string): Promise<string[]> {
    return (await this.records(topic)).map(({ value }) => String(value))
  }

  /** What a group has committed, by partition. */
  async committed(groupId: string, topic: string): Promise<(readonly [offset: string, metadata: string | null])[]> {
    const [found] = await (await this.fresh()).fetchOffsets({ groupId, topics: [topic] })
    return (found?.partitions ?? [])
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ offset, metadata }) => [offset, metadata] as const)
  }

  /** An admin that no deleted topic is in the way of. */
  async fresh(): Promise<Admin> {
    await (await this.#admin)?.disconnect()
    this.#admin = undefined
    return this.admin()
  }

  override async close(): Promise<void> {
    await super.close()
    await (await this.#admin)?.disconnect()
    await (await this.#log)?.close()
  }

  async #offsets(topic: string): Promise<{ partition: number; low: string; high: string }[]> {
    return (await (await this.fresh()).fetchTopicOffsets(topic)).toSorted((a, b) => a.partition - b.partition)
  }
}
