import { deadLetter, exponential, type Messaging, retryLater } from '@waybill/core'
import { orderPlaced, orders, stock } from './channels.ts'
import { CardDeclined, charge, db, store } from './surroundings.ts'

export async function billing(messaging: Messaging) {
  await messaging.consume(
    orderPlaced,
    {
      group: 'billing',
      concurrency: 16,
      maxInFlightBytes: 1_048_576,
      timeoutMs: 30_000,
      retry: exponential({ maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000 }),
      retryIf: (error) => !(error instanceof CardDeclined),
      idempotency: { store, key: (message) => message.data.orderId },
    },
    async (order, context) => {
      if (order.totalCents === 0) deadLetter('an order of nothing')
      if (context.attempt > 3) retryLater(60_000)
      order.currency.toUpperCase()
      await charge(order, { signal: context.signal })
    },
  )
  await messaging.consume(
    orderPlaced,
    {
      // @ts-expect-error a typo in the group
      group: 'biling',
    },
    async () => {},
  )
  // @ts-expect-error not async: the charge would float
  await messaging.consume(orderPlaced, { group: 'billing' }, (order, context) => {
    charge(order, context)
  })
  // @ts-expect-error a returned error is no success
  await messaging.consume(orderPlaced, { group: 'billing' }, async (_order) => ({ error: 'declined' }))
}

/** Another team's group, added to the owner's channel. */
export async function audit(messaging: Messaging) {
  const audited = orderPlaced.withGroups('audit')
  await messaging.consume(audited, { group: 'audit' }, async (order) => {
    order.orderId
  })
  await messaging.consume(audited, { group: 'billing' }, async (order) => {
    order.orderId
  })
}

/** A projection that blocks rather than dead-letters. */
export async function projection(messaging: Messaging) {
  await messaging.consume(
    stock,
    {
      group: 'stock-view',
      startFrom: 'beginning',
      retry: { maxAttempts: Number.POSITIVE_INFINITY, delaysMs: [100, 1_000, 10_000] },
    },
    async ({ sku, left }, { message }) => {
      await db.run('update stock set left = ?, at = ? where sku = ?', left, message.time, sku)
    },
  )
}

export async function batchInsert(messaging: Messaging) {
  await messaging.consumeBatch(
    orderPlaced,
    { group: 'shipping', maxSize: 500, maxWaitMs: 200 },
    async (messages, batch) => {
      const { failed } = await db.insertMany(messages.map((message) => message.data))
      for (const { index, error } of failed) batch.fail(messages[index]!, error)
    },
  )
  await messaging.consumeBatch(orders, { group: 'projection', maxSize: 500, maxWaitMs: 200 }, async (messages) => {
    for (const message of messages) {
      switch (message.type) {
        case 'order.placed':
          message.data.totalCents
          break
        case 'order.cancelled':
          message.data.reason
          break
        case 'order.shipped':
          message.data.carrier
          break
        default:
          message satisfies never
      }
    }
  })
}
