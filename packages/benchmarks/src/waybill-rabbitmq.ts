import { bytes, type Channel, channel, connect, type Messaging } from '@waybill/core'
import { rabbitmq } from '@waybill/rabbitmq'
import type { Consumption, Contestant } from './contestant.ts'
import type { Send } from './pipelined.ts'
import type { RabbitmqCourse } from './rabbitmq-course.ts'

export const group = 'bench'

/** Waybill as the README shows it, with all its default stages. */
export class WaybillRabbitmq implements Contestant<RabbitmqCourse> {
  readonly name = 'Waybill'
  readonly packageName = '@waybill/rabbitmq'
  readonly channel: Channel
  #messaging!: Messaging
  #prefetch = 0

  constructor(channelName: string) {
    this.channel = channel(channelName, { schema: bytes, groups: [group] })
  }

  async open({ url, prefetch }: Pick<RabbitmqCourse, 'url' | 'prefetch'>): Promise<void> {
    this.#messaging = await connect(rabbitmq({ url }), { source: '/bench' })
    this.#prefetch = prefetch
  }

  async publisher(body: Buffer): Promise<Send> {
    const messaging = this.#messaging
    const channel = this.channel
    return (confirmed, failed) => void messaging.send(channel, body).then(confirmed, failed)
  }

  async consume(onMessage: () => void): Promise<Consumption> {
    const options = { group, concurrency: this.#prefetch }
    const consumer = await this.#messaging.consume(this.channel, options, async () => onMessage())
    return { stop: () => consumer.close() }
  }

  async close(): Promise<void> {
    await this.#messaging.close()
  }
}
