// One schema per channel, in every library and direction; what JSON or the codec cannot carry does not compile.
import { bytes, type Codec, channel, type Received, type Sent } from '@waybill/core'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

export const orderPlaced = channel('orders.placed', {
  schema: z.object({
    orderId: z.string(),
    customerId: z.string(),
    totalCents: z.number().int(),
    currency: z.string().default('EUR'),
  }),
  key: (order) => order.customerId,
  ordering: 'key',
  groups: ['billing', 'shipping'],
})

// The key may stand before the schema.
export const keyFirst = channel('x', {
  groups: ['g'],
  key: (data) => data.a,
  schema: z.object({ a: z.string() }),
})

export const orderShipped = channel('orders.shipped', {
  schema: v.object({ orderId: v.string(), carrier: v.string() }),
  groups: ['billing'],
})
export const stock = channel('stock', {
  groups: ['stock-view'],
  schema: type({ sku: 'string', left: 'number' }),
  key: (item) => item.sku,
})

export const orders = channel('orders', {
  messages: {
    'order.placed': z.object({ orderId: z.string(), totalCents: z.number() }),
    'order.cancelled': v.object({ orderId: v.string(), reason: v.string() }),
    'order.shipped': type({ orderId: 'string', carrier: 'string' }),
  },
  key: (message) => message.data.orderId,
  groups: ['billing', 'projection'],
})

export const priceQuote = channel('pricing.quote', {
  schema: z.object({ sku: z.string(), quantity: z.number() }),
  reply: z.object({ cents: z.number() }),
  groups: ['pricing'],
})

const isoToDate = z.iso.datetime().transform((text) => new Date(text))
// @ts-expect-error a transform that does not accept its own output
channel('t1', { groups: ['g'], schema: z.object({ at: isoToDate }) })
// @ts-expect-error a Date in JSON
channel('t2', { groups: ['g'], schema: z.object({ at: z.date() }) })
// @ts-expect-error a bigint in JSON
channel('t2b', { groups: ['g'], schema: z.object({ n: z.bigint() }) })
const dateCodec = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
})
// @ts-expect-error a zod codec
channel('t3', { groups: ['g'], schema: z.object({ at: dateCodec }) })

export const appointment = channel('appointments', {
  groups: ['g'],
  schema: {
    send: z.object({ at: z.date().transform((date) => date.toISOString()) }),
    receive: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
  },
  key: (data) => data.at.slice(0, 10),
})

// Brands, optionals, unknown, any, records, unions, arrays and literals are fine.
export const fine = channel('fine', {
  groups: ['g'],
  schema: z.object({
    id: z.string().brand<'Id'>(),
    n: z.number().optional(),
    meta: z.record(z.string(), z.unknown()),
    u: z.union([z.string(), z.number()]),
    l: z.array(z.object({ a: z.string() })),
    lit: z.enum(['a', 'b']),
    any: z.any(),
  }),
})
export const union = channel('union', {
  groups: ['g'],
  schema: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), x: z.string() }),
    z.object({ kind: z.literal('b'), y: z.number() }),
  ]),
  key: (data) => data.kind,
})

interface TreeNode {
  name: string
  children: TreeNode[]
}
const treeNode: z.ZodType<TreeNode, TreeNode> = z.lazy(() =>
  z.object({ name: z.string(), children: z.array(treeNode) }),
)
export const tree = channel('tree', { groups: ['g'], schema: treeNode })

export const raw = channel('raw', { groups: ['g'], schema: bytes, key: (body) => String(body.length) })
declare function avro<S extends object>(subject: { '~t': S }): Codec<S>
export interface Price {
  sku: string
  cents: bigint
  at: Date
}
declare const priceSubject: { '~t': Price }
export const prices = channel('prices', { groups: ['p'], schema: avro(priceSubject), key: (price) => price.sku })
export const pricesChecked = channel('prices', {
  groups: ['p'],
  schema: z.object({ sku: z.string(), cents: z.bigint(), at: z.date() }),
  codec: avro(priceSubject),
})
// @ts-expect-error a codec that cannot carry what the schema gives
channel('prices', { groups: ['p'], schema: z.object({ sku: z.number() }), codec: avro(priceSubject) })

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false
declare function holds<_T extends true>(): void
holds<
  Equal<
    Sent<typeof orderPlaced>,
    { orderId: string; customerId: string; totalCents: number; currency?: string | undefined }
  >
>()
holds<
  Equal<Received<typeof orderPlaced>, { orderId: string; customerId: string; totalCents: number; currency: string }>
>()
holds<Equal<Sent<typeof appointment>, { at: Date }>>()
holds<Equal<Received<typeof appointment>, { at: Date }>>()
holds<Equal<Received<typeof stock>, { sku: string; left: number }>>()
holds<Equal<Sent<typeof orders>['type'], 'order.placed' | 'order.cancelled' | 'order.shipped'>>()
holds<Equal<Received<typeof prices>, Price>>()
