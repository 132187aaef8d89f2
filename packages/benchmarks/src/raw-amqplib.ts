import { type ChannelModel, type ConfirmChannel, connect, type Options } from 'amqplib'
import type { Consumption, Contestant } from './contestant.ts'
import type { Send } from './pipelined.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'

/**
 * The baseline: what a programmer in a hurry for speed writes by hand. Two connections, as Waybill has.
 *
 * Socket options are amqplib's own: with `noDelay` each frame is a packet, which would make the baseline slower and
 * whoever is compared with it look better.
 */
export class RawAmqplib implements Contestant<RabbitmqCourse> {
  readonly name: string
  readonly packageName = 'amqplib'
  #course!: RabbitmqCourse
  #sending!: ChannelModel
  #receiving!: ChannelModel
  #channel!: ConfirmChannel

  constructor(name = 'amqplib, by hand') {
    this.name = name
  }

  async open(course: RabbitmqCourse): Promise<void> {
    this.#course = course
    this.#sending = await connect(course.url)
    this.#receiving = await connect(course.url)
    // A lost connection shows as a deadline missed; unheard, the event would end the process.
    this.#sending.on('error', () => {})
    this.#receiving.on('error', () => {})
    this.#channel = await this.#sending.createConfirmChannel()
  }

  async publisher(body: Buffer): Promise<Send> {
    const { exchange, routingKey, mandatory, properties } = this.#course
    const options: Options.Publish = { ...properties, mandatory }
    const channel = this.#channel
    return (confirmed, failed) => {
      channel.publish(exchange, routingKey, body, options, (error) => {
        if (error === null || error === undefined) confirmed()
        else failed(error)
      })
    }
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const channel = await this.#receiving.createChannel()
    await channel.prefetch(this.#course.prefetch)
    const { consumerTag } = await channel.consume(this.#course.queue, (message) => {
      if (message === null) return
      onMessage()
      channel.ack(message)
    })
    return {
      async stop() {
        await channel.cancel(consumerTag)
        await channel.close()
      },
    }
  }

  async close(): Promise<void> {
    await this.#sending.close()
    await this.#receiving.close()
  }
}
