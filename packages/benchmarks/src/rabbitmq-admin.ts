import { type Channel, type ChannelModel, connect } from 'amqplib'

/** A connection of its own that looks after the queue between the rounds. */
export class RabbitmqAdmin {
  readonly #connection: ChannelModel
  readonly #channel: Channel

  private constructor(connection: ChannelModel, channel: Channel) {
    this.#connection = connection
    this.#channel = channel
  }

  static async open(url: string): Promise<RabbitmqAdmin> {
    const connection = await connect(url)
    return new RabbitmqAdmin(connection, await connection.createChannel())
  }

  get version(): string {
    return String(this.#connection.connection.serverProperties.version)
  }

  /** Empties the queue and returns how many messages it held. */
  async purge(queue: string): Promise<number> {
    return (await this.#channel.purgeQueue(queue)).messageCount
  }

  async remove(queues: readonly string[], exchanges: readonly string[]): Promise<void> {
    for (const queue of new Set(queues)) await this.#channel.deleteQueue(queue)
    for (const exchange of new Set(exchanges)) await this.#channel.deleteExchange(exchange)
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }
}
