import { channel, type Messaging } from '@waybill/core'
import { z } from 'zod'

const priceChanged = channel('prices.changed', { groups: [], schema: z.object({ sku: z.string() }) })

export async function cacheInvalidation(messaging: Messaging, cache: Map<string, number>) {
  await messaging.consumeBroadcast(priceChanged, { onGap: () => cache.clear() }, async ({ sku }) => {
    cache.delete(sku)
  })
  // @ts-expect-error broadcast only: there is no group
  await messaging.consume(priceChanged, { group: 'x' }, async () => {})
  // @ts-expect-error onGap is required
  await messaging.consumeBroadcast(priceChanged, {}, async ({ sku }) => {
    sku.length
  })
}

// A table kept up to date from its change log; an absent body is a tombstone.
const row = z.object({ id: z.number(), email: z.string() })
const customersTable = channel('shop.public.customers', {
  groups: [],
  schema: z.object({ op: z.enum(['c', 'u', 'd', 'r']), before: row.nullable(), after: row.nullable() }).optional(),
})
export async function table(messaging: Messaging) {
  const rows = new Map<string, z.infer<typeof row>>()
  const consumer = await messaging.consumeBroadcast(
    customersTable,
    { startFrom: 'beginning', onGap: () => rows.clear() },
    async (change, { message }) => {
      if (!message.key) return
      if (change?.after) rows.set(message.key, change.after)
      else rows.delete(message.key)
    },
  )
  await consumer.caughtUp()
  return rows
}

export async function addedGroups(messaging: Messaging) {
  const watched = priceChanged.withGroups('x', 'y')
  await messaging.consume(watched, { group: 'y' }, async ({ sku }) => {
    sku.length
  })
  await messaging.send(watched, { sku: '' })
}
