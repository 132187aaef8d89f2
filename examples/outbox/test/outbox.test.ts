import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { connect, type Messaging } from '@waybill/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBilling } from '../src/billing-service.ts'
import { openDatabase, transaction } from '../src/database.ts'
import { orderPlaced } from '../src/order-placed.ts'
import { placeOrder } from '../src/order-service.ts'
import { relayOutbox } from '../src/outbox-relay.ts'
import { OutboxTable } from '../src/outbox-table.ts'
import { expectedOutput, runProgram } from '../../run-program.ts'

const broker = 'memory:outbox-test'
const order = { orderId: '42', customerId: 'c1', totalCents: 1999 }
let folder: string
let database: DatabaseSync
let messaging: Messaging

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-outbox-'))
  database = openDatabase(join(folder, 'shop.db'))
  messaging = await connect(broker)
})

afterEach(async () => {
  await messaging.close()
  database.close()
  rmSync(folder, { recursive: true })
})

test('the program prints one invoice per order', async () => {
  expect(await runProgram('outbox/src/outbox.ts')).toBe(expectedOutput('outbox'))
})

test('a relay that dies between send and mark sends again, and billing recognises the duplicate', async () => {
  const duplicates: string[] = []
  const billing = await startBilling(messaging, database, (id) => duplicates.push(id))
  await placeOrder(messaging, database, order)
  const [entry] = new OutboxTable(database).unsent(1)

  await relayThatDiesAtMark()
  await billing.caughtUp()
  expect(invoices()).toEqual(['42'])
  expect(duplicates).toEqual([])

  expect(await relayOutbox(messaging, new OutboxTable(database))).toBe(1)
  await billing.caughtUp()
  expect(invoices()).toEqual(['42'])
  expect(duplicates).toEqual([entry?.message.id])
  expect(await relayOutbox(messaging, new OutboxTable(database))).toBe(0)
})

test('what is relayed is what was prepared, byte for byte', async () => {
  await placeOrder(messaging, database, order)
  const [entry] = new OutboxTable(database).unsent(1)
  expect(entry?.message).toMatchObject({ channel: 'orders.placed', key: 'c1', deliverAt: undefined })
  expect(JSON.parse(Buffer.from(entry?.message.body ?? []).toString())).toEqual(order)
})

test('a transaction that is rolled back leaves no message', async () => {
  await placeOrder(messaging, database, order)
  await expect(placeOrder(messaging, database, order)).rejects.toThrow('UNIQUE')
  expect(new OutboxTable(database).unsent(10)).toHaveLength(1)
})

test('a handler whose transaction fails leaves no trace in the inbox and is run again', async () => {
  let runs = 0
  await using consumer = await messaging.consume(
    orderPlaced,
    { group: 'billing', retry: { maxAttempts: 2, delaysMs: [1] } },
    async () => {
      transaction(database, () => {
        database.prepare('insert into inbox (consumer, source, id) values (?, ?, ?)').run('billing', 's', 'i')
        if (++runs === 1) throw new Error('disk full')
      })
    },
  )
  await messaging.send(orderPlaced, order)
  await consumer.caughtUp()
  expect(runs).toBe(2)
  expect(database.prepare('select id from inbox').all()).toHaveLength(1)
})

/** A process of its own, as far as the broker and the file are concerned, that is gone once its sends are confirmed. */
async function relayThatDiesAtMark(): Promise<void> {
  await using otherMessaging = await connect(broker)
  const otherDatabase = openDatabase(join(folder, 'shop.db'))
  const outbox = new OutboxTable(otherDatabase)
  const dying = {
    unsent: (limit: number) => outbox.unsent(limit),
    markSent: () => {
      throw new Error('killed')
    },
  }
  await expect(relayOutbox(otherMessaging, dying)).rejects.toThrow('killed')
  otherDatabase.close()
}

function invoices(): unknown[] {
  return database
    .prepare('select order_id from invoices')
    .all()
    .map(({ order_id }) => order_id)
}
