import { channel, type Messaging } from '@waybill/core'
import { z } from 'zod'
import { db } from './surroundings.ts'

const CustomerV1 = z.object({ v: z.literal(1), name: z.string() })
const CustomerV2 = z.object({ v: z.literal(2), first: z.string(), last: z.string() })
const customer = channel('customers', {
  groups: ['crm'],
  schema: {
    send: CustomerV2,
    receive: z.union([
      CustomerV2,
      CustomerV1.transform(({ name }) => ({
        v: 2 as const,
        first: name.split(' ')[0] ?? '',
        last: name.split(' ')[1] ?? '',
      })),
    ]),
  },
})
export async function evolution(messaging: Messaging) {
  await messaging.send(customer, { v: 2, first: 'Ada', last: 'L' })
  // @ts-expect-error nobody sends version 1 any more
  await messaging.send(customer, { v: 1, name: 'Ada L' })
  await messaging.consume(customer, { group: 'crm' }, async (data) => {
    data.first
    data.v satisfies 2
  })
}

const PlacedV1 = z.object({ orderId: z.string(), total: z.number() })
const PlacedV2 = z.object({ orderId: z.string(), totalCents: z.number() })
export const versionedOrders = channel('orders', {
  messages: {
    'order.placed': {
      send: PlacedV2,
      receive: z.union([PlacedV2, PlacedV1.transform(({ orderId, total }) => ({ orderId, totalCents: total * 100 }))]),
    },
    'order.cancelled': z.object({ orderId: z.string(), reason: z.string() }),
    'order.shipped': z.object({ orderId: z.string(), carrier: z.string() }),
  },
  key: (message) => message.data.orderId,
  ordering: 'key',
  groups: ['view', 'archive'],
})

export const startView = (messaging: Messaging) =>
  messaging.consume(
    versionedOrders,
    { group: 'view' },
    {
      'order.placed': async ({ orderId, totalCents }) => {
        await db.run('insert …', orderId, totalCents)
      },
      'order.cancelled': async ({ orderId, reason }) => {
        await db.run('update …', reason, orderId)
      },
      'order.shipped': 'ignore',
    },
  )

export const startArchive = (messaging: Messaging) =>
  messaging.consumeBatch(
    versionedOrders,
    { group: 'archive', maxSize: 500, maxWaitMs: 200 },
    async (messages, batch) => {
      const { failed } = await db.insertMany(messages.map(({ id, type, time, data }) => ({ id, type, time, data })))
      for (const { index, error } of failed) batch.fail(messages[index]!, error)
    },
  )
