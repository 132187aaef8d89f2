import { DriverBench } from '@waybill/conformance/bench'
import type { Driver } from '@waybill/core/driver'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { inject } from 'vitest'
import { rabbitmq, type RabbitmqOptions } from '../src/index.ts'

export const brokerUrl = process.env.WAYBILL_RABBITMQ_URL ?? inject('rabbitmq').url

/** A driver on the real broker, amqplib beside it, and what is left of both is closed by `close`. */
export class Bench extends DriverBench {
  readonly #options: Omit<RabbitmqOptions, 'url'>
  #raw: Promise<ChannelModel> | undefined

  constructor(options: Omit<RabbitmqOptions, 'url'> = {}) {
    super(rabbitmq({ url: brokerUrl, ...options }))
    this.#options = options
  }

  /** A driver by another way to the broker. */
  through(url: string): Driver {
    return rabbitmq({ ...this.#options, url })
  }

  raw(): Promise<ChannelModel> {
    this.#raw ??= connect(brokerUrl)
    return this.#raw
  }

  /** An amqp channel of its own, that may fail. */
  async channel(): Promise<Channel> {
    const channel = await (await this.raw()).createChannel()
    return channel.on('error', () => {})
  }

  async depth(queue: string): Promise<number> {
    const channel = await this.channel()
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return messageCount
  }

  override async close(): Promise<void> {
    await super.close()
    await (await this.#raw)?.close()
  }
}
