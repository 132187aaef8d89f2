import { Connection, type Publisher } from 'rabbitmq-client'
import type { Entrant, Stage } from './entrant.ts'

const retryLow = 200

export class RabbitmqClient implements Entrant {
  readonly name = 'rabbitmq-client'
  readonly packageName = 'rabbitmq-client'
  #stage!: Stage
  #connection!: Connection
  #publisher!: Publisher

  queueOf(queue: string): string {
    return queue
  }

  async open(stage: Stage): Promise<void> {
    this.#stage = stage
    this.#connection = new Connection({ url: stage.url, retryLow })
    this.#connection.on('error', () => {})
    await this.#connection.onConnect()
    this.#publisher = this.#connection.createPublisher({ confirm: true, maxAttempts: 5 })
  }

  send(id: string, body: Buffer): Promise<unknown> {
    return this.#publisher.send({ routingKey: this.#stage.queue, durable: true, messageId: id }, body)
  }

  async consume(handler: (id: string) => Promise<void>): Promise<void> {
    const { queue, prefetch } = this.#stage
    const options = { queue, queueOptions: { passive: true }, qos: { prefetchCount: prefetch } }
    const consumer = this.#connection.createConsumer(options, ({ messageId }) => handler(String(messageId)))
    consumer.on('error', () => {})
  }

  async close(): Promise<void> {
    await this.#publisher.close()
    await this.#connection.close()
  }
}
