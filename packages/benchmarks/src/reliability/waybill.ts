import { bytes, type Channel, channel, connect, type Messaging } from '@waybill/core'
import { rabbitmq } from '@waybill/rabbitmq'
import type { Entrant, Stage } from './entrant.ts'

const group = 'load'

/** Waybill with all its defaults: no idempotency store, as the peers have none. */
export class Waybill implements Entrant {
  readonly name = 'Waybill'
  readonly packageName = '@waybill/rabbitmq'
  #messaging!: Messaging
  #channel!: Channel
  #prefetch = 0

  queueOf(queue: string): string {
    return `${queue}/${group}`
  }

  async open({ url, queue, prefetch }: Stage): Promise<void> {
    this.#channel = channel(queue, { schema: bytes, groups: [group] })
    this.#messaging = await connect(rabbitmq({ url }), { source: '/reliability' })
    this.#prefetch = prefetch
    await this.#messaging.producer(this.#channel)
  }

  send(id: string, body: Buffer): Promise<unknown> {
    return this.#messaging.send(this.#channel, body, { id, timeoutMs: 60_000 })
  }

  async consume(handler: (id: string) => Promise<void>): Promise<void> {
    const options = { group, concurrency: this.#prefetch }
    await this.#messaging.consume(
      this.#channel,
      options,
      async (_: unknown, { message }: { message: { id: string } }) => {
        await handler(message.id)
      },
    )
  }

  close(): Promise<void> {
    return this.#messaging.close({ drainMs: 5_000 })
  }
}
