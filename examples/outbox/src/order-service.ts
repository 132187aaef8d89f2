import type { DatabaseSync } from 'node:sqlite'
import type { Messaging, Sent } from '@waybill/core'
import { transaction } from './database.ts'
import { orderPlaced } from './order-placed.ts'
import { OutboxTable } from './outbox-table.ts'

/** Stores an order and the message about it: both, or neither. Sends nothing. */
export async function placeOrder(
  messaging: Messaging,
  database: DatabaseSync,
  order: Sent<typeof orderPlaced>,
): Promise<void> {
  const placed = await messaging.prepare(orderPlaced, order) // validated and encoded before the transaction
  transaction(database, () => {
    database
      .prepare('insert into orders (id, customer, total_cents) values (?, ?, ?)')
      .run(order.orderId, order.customerId, order.totalCents)
    new OutboxTable(database).add(placed)
  })
}
