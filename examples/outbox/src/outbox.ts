// A message that is sent if and only if its transaction was committed, and handled once although it may come twice.
//   node examples/outbox/src/outbox.ts
import { connect } from '@waybill/core'
import { startBilling } from './billing-service.ts'
import { openDatabase } from './database.ts'
import { placeOrder } from './order-service.ts'
import { relayOutbox } from './outbox-relay.ts'
import { OutboxTable } from './outbox-table.ts'

const database = openDatabase(':memory:')
await using messaging = await connect(process.env.WAYBILL_URL ?? 'memory:')
const billing = await startBilling(messaging, database)

await placeOrder(messaging, database, { orderId: '42', customerId: 'c1', totalCents: 1999 })
await placeOrder(messaging, database, { orderId: '43', customerId: 'c1', totalCents: 500 })
console.log(`relayed: ${await relayOutbox(messaging, new OutboxTable(database))}`)

await billing.caughtUp()
for (const { order_id, total_cents } of database.prepare('select * from invoices order by rowid').all()) {
  console.log(`invoice for order ${order_id}: ${total_cents} cents`)
}
