import { nativeOf } from '@waybill/core/driver'
import type { ConsumeMessage } from 'amqplib'

/** What amqplib handed over: `content`, `fields`, `properties`. Read it; settling is the library's. */
export type RabbitmqDelivery = ConsumeMessage

/** The amqplib message behind a message of `consume`; `undefined` when another broker delivered it. */
export function rabbitmqDelivery(message: object): RabbitmqDelivery | undefined {
  const native = nativeOf(message) as Partial<RabbitmqDelivery> | undefined
  return typeof native?.fields?.deliveryTag === 'number' ? (native as RabbitmqDelivery) : undefined
}
