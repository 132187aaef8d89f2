import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import type { Entrant, Stage } from './entrant.ts'

const reconnectAfterMs = 200

/** amqplib with the reconnect that is found in most programs: on `close`, wait a little and set everything up again. */
export class HandWritten implements Entrant {
  readonly name = 'amqplib, by hand'
  readonly packageName = 'amqplib'
  #stage!: Stage
  #connection: ChannelModel | undefined
  #sending!: Promise<ConfirmChannel>
  #handler: ((id: string) => Promise<void>) | undefined
  #closed = false

  queueOf(queue: string): string {
    return queue
  }

  async open(stage: Stage): Promise<void> {
    this.#stage = stage
    this.#sending = this.#connect()
    await this.#sending
  }

  async send(id: string, body: Buffer): Promise<unknown> {
    const channel = await this.#sending
    const options = { persistent: true, messageId: id }
    return new Promise<void>((resolve, reject) => {
      channel.sendToQueue(this.#stage.queue, body, options, (error) => (error ? reject(error as Error) : resolve()))
    })
  }

  async consume(handler: (id: string) => Promise<void>): Promise<void> {
    this.#handler = handler
    await this.#subscribe()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#connection?.close()
  }

  async #connect(): Promise<ConfirmChannel> {
    for (;;) {
      try {
        const connection = await connect(this.#stage.url)
        this.#connection = connection
        connection.on('error', () => {})
        connection.on('close', () => {
          if (!this.#closed) this.#sending = this.#connect()
        })
        const channel = await connection.createConfirmChannel()
        channel.on('error', () => {})
        if (this.#handler !== undefined) await this.#subscribe()
        return channel
      } catch {
        await new Promise((resolve) => setTimeout(resolve, reconnectAfterMs))
      }
    }
  }

  async #subscribe(): Promise<void> {
    const channel: Channel = await this.#connection!.createChannel()
    channel.on('error', () => {})
    await channel.prefetch(this.#stage.prefetch)
    const handler = this.#handler!
    await channel.consume(this.#stage.queue, (message) => {
      if (message !== null) void handler(String(message.properties.messageId)).then(() => channel.ack(message))
    })
  }
}
