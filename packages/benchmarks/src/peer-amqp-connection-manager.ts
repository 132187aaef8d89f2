import amqp, { type AmqpConnectionManager, type ChannelWrapper } from 'amqp-connection-manager'
import type { Consumption, Contestant } from './contestant.ts'
import type { Send } from './pipelined.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'

export class PeerAmqpConnectionManager implements Contestant<RabbitmqCourse> {
  readonly name = 'amqp-connection-manager'
  readonly packageName = 'amqp-connection-manager'
  #course!: RabbitmqCourse
  #connection!: AmqpConnectionManager
  #channel!: ChannelWrapper

  async open(course: RabbitmqCourse): Promise<void> {
    this.#course = course
    this.#connection = amqp.connect([course.url])
    this.#channel = this.#connection.createChannel({ confirm: true, json: false })
    this.#channel.on('error', () => {})
    await this.#channel.waitForConnect()
  }

  async publisher(body: Buffer): Promise<Send> {
    const { exchange, routingKey, mandatory, properties } = this.#course
    const options = { ...properties, mandatory }
    const channel = this.#channel
    return (confirmed, failed) => void channel.publish(exchange, routingKey, body, options).then(confirmed, failed)
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const { queue, prefetch } = this.#course
    const channel = this.#connection.createChannel({ confirm: false })
    channel.on('error', () => {})
    await channel.waitForConnect()
    await channel.consume(
      queue,
      (message) => {
        onMessage()
        channel.ack(message)
      },
      { prefetch },
    )
    return {
      async stop() {
        await channel.cancelAll()
        await channel.close()
      },
    }
  }

  async close(): Promise<void> {
    await this.#channel.close()
    await this.#connection.close()
  }
}
