import type { Messaging, Middleware } from '@waybill/core'
import { appointment, orderPlaced, prices, raw } from './channels.ts'
import { db, ids, outbox } from './surroundings.ts'

/** Validated and encoded before the transaction, stored in it, sent by a relay. */
export async function placeOrder(messaging: Messaging, customerId: string) {
  const orderId = ids.next()
  const placed = await messaging.prepare(orderPlaced, { orderId, customerId, totalCents: 1999 })
  await db.transaction(async (transaction) => {
    await transaction.insert('orders', { orderId, customerId })
    await outbox.add(transaction, placed)
  })
  // @ts-expect-error a typo
  await messaging.send(orderPlaced, { orderId, customerId, totalCent: 1999 })
  // @ts-expect-error a field too many
  await messaging.send(orderPlaced, { orderId, customerId, totalCents: 1, password: 'x' })
}

/** A producer of its own, refused at startup if the broker cannot serve it. */
export async function startOrders(messaging: Messaging) {
  await using producer = await messaging.producer(orderPlaced)
  await producer.send({ orderId: '1', customerId: 'c', totalCents: 1 })
  await producer.sendAll([{ orderId: '2', customerId: 'c', totalCents: 1 }])
}

export async function codecs(messaging: Messaging) {
  await messaging.send(prices, { sku: 'a', cents: 1n, at: new Date() })
  await messaging.consume(prices, { group: 'p' }, async (price) => {
    price.cents + 1n
  })
  await messaging.send(raw, new Uint8Array())
  await messaging.send(appointment, { at: new Date() })
}

export const tenant: Middleware = {
  async send(outgoing, next) {
    outgoing.headers.tenant = 'acme'
    await next()
  },
  async handle(_context, next) {
    await next()
  },
}
