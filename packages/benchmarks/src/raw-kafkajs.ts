import { type Consumer, Kafka, logLevel, type Message, type Producer } from 'kafkajs'
import type { Consumption, Contestant } from './contestant.ts'
import { batching } from './batching.ts'
import { batchOf, type KafkaCourse, maxWaitMs } from './kafka-course.ts'
import type { Send } from './pipelined.ts'

/** The baseline: what a programmer in a hurry for speed writes by hand, with batches both ways. */
export class RawKafkajs implements Contestant<KafkaCourse> {
  readonly name: string
  readonly packageName = 'kafkajs'
  #course!: KafkaCourse
  #kafka!: Kafka
  #producer!: Producer

  constructor(name = 'kafkajs, batches by hand') {
    this.name = name
  }

  async open(course: KafkaCourse): Promise<void> {
    this.#course = course
    this.#kafka = new Kafka({ clientId: 'bench', brokers: [course.broker], logLevel: logLevel.NOTHING })
    this.#producer = this.#kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
    await this.#producer.connect()
  }

  async publisher(body: Buffer): Promise<Send> {
    const { topic, key, headers, timeoutMs: timeout } = this.#course
    const producer = this.#producer
    const message: Message = { partition: 0, key, value: body, headers }
    return batching(batchOf(body), (count) => {
      const messages = Array.from({ length: count }, () => ({ ...message }))
      return producer.send({ topic, messages, acks: -1, timeout })
    })
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const { topic, group } = this.#course
    const consumer: Consumer = this.#kafka.consumer({
      groupId: group,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: maxWaitMs,
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachBatch: async ({ batch }) => {
        for (const _ of batch.messages) onMessage()
      },
    })
    return { stop: () => consumer.disconnect() }
  }

  close(): Promise<void> {
    return this.#producer.disconnect()
  }
}
