import { Consumer, type MessageToProduce, Producer } from '@platformatic/kafka'
import { batching } from './batching.ts'
import type { Consumption, Contestant } from './contestant.ts'
import { batchOf, type KafkaCourse, maxWaitMs } from './kafka-course.ts'
import type { Send } from './pipelined.ts'

export class PeerPlatformatic implements Contestant<KafkaCourse> {
  readonly name = '@platformatic/kafka'
  readonly packageName = '@platformatic/kafka'
  readonly remark = '@platformatic/kafka sends the batches that the baseline sends, and hands over single records.'
  #course!: KafkaCourse
  #producer!: Producer<Buffer, Buffer, Buffer, Buffer>

  async open(course: KafkaCourse): Promise<void> {
    this.#course = course
    this.#producer = new Producer({ ...this.#options(), idempotent: true })
    await this.#producer.initIdempotentProducer({})
  }

  async publisher(body: Buffer): Promise<Send> {
    const { topic, key, headers } = this.#course
    const producer = this.#producer
    const entries = Object.entries(headers).map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const)
    const table = new Map(entries)
    const message: MessageToProduce = {
      topic,
      partition: 0,
      value: body,
      headers: table,
      ...(key === null ? {} : { key }),
    }
    return batching(batchOf(body), (count) => {
      const messages = Array.from({ length: count }, () => ({ ...message }))
      return producer.send({ messages, acks: -1 })
    })
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const { topic, group } = this.#course
    const consumer = new Consumer({ ...this.#options(), groupId: group, autocommit: true, maxWaitTime: maxWaitMs })
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    stream.on('data', onMessage)
    stream.on('error', () => {})
    return { stop: () => consumer.close(true) }
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }

  #options() {
    return { clientId: 'bench', bootstrapBrokers: [this.#course.broker] }
  }
}
