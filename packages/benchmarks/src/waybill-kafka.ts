import { bytes, type Channel, channel, connect, type Messaging } from '@waybill/core'
import { kafka } from '@waybill/kafka'
import type { Consumption, Contestant, Way } from './contestant.ts'
import type { KafkaCourse } from './kafka-course.ts'
import type { Send } from './pipelined.ts'

export const group = 'bench'

/** Waybill as the README shows it, with all its default stages: a call of `send` for each message. */
export class WaybillKafka implements Contestant<KafkaCourse> {
  readonly name: string
  readonly packageName = '@waybill/kafka'
  readonly only?: Way
  readonly channel: Channel
  readonly #concurrency: number | undefined
  #messaging!: Messaging
  #prefetch = 0

  /** With a concurrency of its own it consumes only. */
  constructor(channelName: string, concurrency?: number) {
    this.channel = channel(channelName, { schema: bytes, groups: [group] })
    this.name = concurrency === undefined ? 'Waybill' : `Waybill, concurrency ${concurrency}`
    this.#concurrency = concurrency
    if (concurrency !== undefined) this.only = 'consume'
  }

  async open({ url, prefetch }: Pick<KafkaCourse, 'url' | 'prefetch'>): Promise<void> {
    this.#messaging = await connect(kafka({ url, partitions: 1 }), { source: '/bench' })
    this.#prefetch = prefetch
  }

  async publisher(body: Buffer): Promise<Send> {
    const messaging = this.#messaging
    const channel = this.channel
    return (confirmed, failed) => void messaging.send(channel, body).then(confirmed, failed)
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const options = { group, concurrency: this.#concurrency ?? this.#prefetch }
    const consumer = await this.#messaging.consume(this.channel, options, async () => onMessage())
    return { stop: () => consumer.close() }
  }

  async close(): Promise<void> {
    await this.#messaging.close()
  }
}
