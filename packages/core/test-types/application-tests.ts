import { testMessaging } from '@waybill/memory/testing'
import { orderPlaced, orderShipped } from './channels.ts'
import { billing } from './consuming.ts'
import { kafka } from './surroundings.ts'

declare function equal(actual: unknown, expected: unknown): void

export async function billingOnWhatKafkaAllows() {
  const messaging = await testMessaging({ like: kafka({ brokers: [] }) })
  await billing(messaging)
  await messaging.send(orderPlaced, { orderId: '1', customerId: 'c', totalCents: 5 })
  await messaging.idle()
  await messaging.advance(30_000)
  const [shipped] = await messaging.sent(orderShipped)
  shipped?.data.carrier
  const dead = await messaging.deadLettered(orderPlaced, 'billing')
  dead[0]?.failure?.attempts
  await messaging.inject(orderPlaced, { body: '{"not":"an order"}' })
}

/** An order with nothing to pay is dead-lettered at once, and can be corrected. */
export async function correctedOrder() {
  await using messaging = await testMessaging({ like: kafka({ brokers: [] }) })
  await billing(messaging)
  await messaging.send(orderPlaced, { orderId: '1', customerId: 'c', totalCents: 0 })
  await messaging.advance(60_000)
  const [letter] = await messaging.deadLettered(orderPlaced, 'billing')
  equal(letter?.failure?.attempts, 1)

  const order = await letter!.decode()
  await messaging.deadLetters(orderPlaced, 'billing').replace(letter!.message.id, { ...order, totalCents: 500 })
  await messaging.idle()
  equal((await messaging.deadLettered(orderPlaced, 'billing')).length, 0)
}
