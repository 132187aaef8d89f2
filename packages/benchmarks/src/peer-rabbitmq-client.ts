import { Connection, type Publisher } from 'rabbitmq-client'
import type { Consumption, Contestant } from './contestant.ts'
import type { Send } from './pipelined.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'

export class PeerRabbitmqClient implements Contestant<RabbitmqCourse> {
  readonly name = 'rabbitmq-client'
  readonly packageName = 'rabbitmq-client'
  #course!: RabbitmqCourse
  #connection!: Connection
  #publisher!: Publisher

  async open(course: RabbitmqCourse): Promise<void> {
    this.#course = course
    this.#connection = new Connection(course.url)
    this.#connection.on('error', () => {})
    await this.#connection.onConnect()
    this.#publisher = this.#connection.createPublisher({ confirm: true, maxAttempts: 1 })
  }

  async publisher(body: Buffer): Promise<Send> {
    const { exchange, routingKey, mandatory, properties } = this.#course
    const { deliveryMode: _, ...rest } = properties
    const envelope = { ...rest, exchange, routingKey, mandatory, durable: true }
    const publisher = this.#publisher
    return (confirmed, failed) => void publisher.send(envelope, body).then(confirmed, failed)
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const { queue, prefetch } = this.#course
    const options = { queue, queueOptions: { passive: true }, qos: { prefetchCount: prefetch } }
    const consumer = this.#connection.createConsumer(options, async () => onMessage())
    consumer.on('error', () => {})
    return { stop: () => consumer.close() }
  }

  async close(): Promise<void> {
    await this.#publisher.close()
    await this.#connection.close()
  }
}
