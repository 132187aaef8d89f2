// The first program of the README, with what happens when a message cannot be handled:
//   node examples/first-program/src/first-program.ts
import { channel, connect, deadLetter } from '@waybill/core'
import { z } from 'zod'

const orderPlaced = channel('orders.placed', {
  schema: z.object({ orderId: z.string(), customerId: z.string(), totalCents: z.int() }),
  key: (order) => order.customerId,
  ordering: 'key', // one customer's orders: one at a time, in the order sent, retries included
  groups: ['billing', 'mailing'], // each group gets every order once
})

await using messaging = await connect(process.env.WAYBILL_URL ?? 'memory:')

const billing = await messaging.consume(orderPlaced, { group: 'billing' }, async (order, { attempt }) => {
  if (order.totalCents <= 0) deadLetter(`order ${order.orderId} has nothing to pay`) // no attempt would help
  if (attempt === 1) throw new Error('the card reader is busy') // a throw: retried with backoff, then dead-lettered
  console.log(`billing: order ${order.orderId} charged at attempt ${attempt}`)
})

await messaging.send(orderPlaced, { orderId: '42', customerId: 'c1', totalCents: 1999 })
await messaging.send(orderPlaced, { orderId: '43', customerId: 'c1', totalCents: 0 })
console.log('sent: the broker has taken responsibility')

await billing.caughtUp()
const letters = messaging.deadLetters(orderPlaced, 'billing')
for await (const { message, failure } of letters.list()) {
  console.log(`dead letter of ${message.key}: ${failure?.message}, attempts: ${failure?.attempts}`)
}
await letters.discard('all')
