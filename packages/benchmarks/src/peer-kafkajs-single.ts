import { Kafka, logLevel, type Producer } from 'kafkajs'
import type { Consumption, Contestant } from './contestant.ts'
import type { KafkaCourse } from './kafka-course.ts'
import type { Send } from './pipelined.ts'

/** kafkajs as it reads in its own documentation: a call for each message. */
export class PeerKafkajsSingle implements Contestant<KafkaCourse> {
  readonly name = 'kafkajs, a call each'
  readonly packageName = 'kafkajs'
  readonly only = 'publish'
  #course!: KafkaCourse
  #producer!: Producer

  async open(course: KafkaCourse): Promise<void> {
    this.#course = course
    const kafka = new Kafka({ clientId: 'bench', brokers: [course.broker], logLevel: logLevel.NOTHING })
    this.#producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
    await this.#producer.connect()
  }

  async publisher(body: Buffer): Promise<Send> {
    const { topic, key, headers } = this.#course
    const producer = this.#producer
    return (confirmed, failed) =>
      void producer.send({ topic, messages: [{ key, value: body, headers }] }).then(confirmed, failed)
  }

  consume(): Promise<Consumption> {
    throw new Error('it publishes only')
  }

  close(): Promise<void> {
    return this.#producer.disconnect()
  }
}
