import type { DatabaseSync } from 'node:sqlite'
import type { Consumer, Messaging } from '@waybill/core'
import { transaction } from './database.ts'
import { InboxTable } from './inbox-table.ts'
import { orderPlaced } from './order-placed.ts'

/** Writes one invoice per order, however often its message comes. */
export function startBilling(
  messaging: Messaging,
  database: DatabaseSync,
  onDuplicate: (id: string) => void = () => {},
): Promise<Consumer> {
  const inbox = new InboxTable(database)
  return messaging.consume(orderPlaced, { group: 'billing' }, async ({ orderId, totalCents }, { message }) => {
    transaction(database, () => {
      if (!inbox.firstTime('billing', message)) return onDuplicate(message.id)
      database.prepare('insert into invoices (order_id, total_cents) values (?, ?)').run(orderId, totalCents)
    })
  })
}
