import amqp, { type AmqpConnectionManager, type ChannelWrapper } from 'amqp-connection-manager'
import type { Entrant, Stage } from './entrant.ts'

const reconnectTimeInSeconds = 0.2

export class ConnectionManager implements Entrant {
  readonly name = 'amqp-connection-manager'
  readonly packageName = 'amqp-connection-manager'
  #stage!: Stage
  #connection!: AmqpConnectionManager
  #sending!: ChannelWrapper

  queueOf(queue: string): string {
    return queue
  }

  async open(stage: Stage): Promise<void> {
    this.#stage = stage
    this.#connection = amqp.connect([stage.url], { reconnectTimeInSeconds })
    this.#sending = this.#connection.createChannel({ confirm: true, json: false })
    this.#sending.on('error', () => {})
    await this.#sending.waitForConnect()
  }

  send(id: string, body: Buffer): Promise<unknown> {
    return this.#sending.sendToQueue(this.#stage.queue, body, { persistent: true, messageId: id })
  }

  async consume(handler: (id: string) => Promise<void>): Promise<void> {
    const { queue, prefetch } = this.#stage
    const channel = this.#connection.createChannel({ confirm: false })
    channel.on('error', () => {})
    await channel.waitForConnect()
    await channel.consume(
      queue,
      async (message) => {
        await handler(String(message.properties.messageId))
        channel.ack(message)
      },
      { prefetch },
    )
  }

  async close(): Promise<void> {
    await this.#sending.close()
    await this.#connection.close()
  }
}
