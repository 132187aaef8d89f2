import type { Delivery, Lease, WireMessage } from '@waybill/core/driver'
import type { ConsumeMessage, Message } from 'amqplib'
import { deliveriesOf, wireMessageOf } from './rabbitmq-message-mapper.ts'

/** One delivery. What is not asked for costs nothing. */
export class QueueDelivery implements Delivery {
  readonly message: WireMessage
  readonly native: ConsumeMessage
  readonly lease: Lease
  readonly #queue: string

  constructor(native: ConsumeMessage, lease: Lease, queue: string) {
    this.message = wireMessageOf(native)
    this.native = native
    this.lease = lease
    this.#queue = queue
  }

  get deliveries(): number | undefined {
    return deliveriesOf(this.native)
  }

  get position(): string {
    return positionOf(this.native, this.#queue)
  }
}

/** The queue, and the message's number on the amqp channel that delivered it. */
export function positionOf(message: Message, queue: string): string {
  return `${queue}#${message.fields.deliveryTag}`
}
