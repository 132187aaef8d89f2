import { bytes, type Codec, channel, type Handler, type Messaging } from '@waybill/core'
import { z } from 'zod'
import { orders } from './channels.ts'

export async function several(messaging: Messaging) {
  await messaging.send(orders, { type: 'order.cancelled', data: { orderId: '1', reason: 'no money' } })
  // @ts-expect-error wrong data for this type
  await messaging.send(orders, { type: 'order.cancelled', data: { orderId: '1', carrier: 'x' } })
  await messaging.consume(
    orders,
    { group: 'projection' },
    {
      'order.placed': async (order, context) => {
        order.totalCents
        context.message.type satisfies 'order.placed'
      },
      'order.cancelled': async (order) => {
        order.reason
      },
      'order.shipped': 'ignore',
      '*': async (data, { message }) => {
        data satisfies unknown
        message.type
      },
    },
  )
  await messaging.consume(
    orders,
    { group: 'projection' },
    // @ts-expect-error order.shipped is missing
    {
      'order.placed': async (order) => {
        order.totalCents
      },
      'order.cancelled': async (order) => {
        order.reason
      },
    },
  )
  const all: Handler<{ orderId: string }> = async (order) => {
    order.orderId
  }
  await messaging.consume(
    orders,
    { group: 'billing' },
    { 'order.placed': all, 'order.cancelled': all, 'order.shipped': all },
  )
}

/** One of several types is handled, the others are written out. */
export async function onlyPlaced(messaging: Messaging) {
  const only = { 'order.placed': async () => {}, 'order.cancelled': 'ignore', 'order.shipped': 'ignore' } as const
  await messaging.consume(orders, { group: 'billing' }, only)
}

export async function forward(messaging: Messaging) {
  await messaging.consume(
    orders,
    { group: 'billing' },
    {
      'order.placed': async (_order, { message, send }) => {
        await send(orders, message)
      },
      'order.cancelled': 'ignore',
      'order.shipped': 'ignore',
    },
  )
}

declare function proto<T>(file: string, sample: T): Codec<T>
export const mixed = channel('mixed', {
  groups: ['g'],
  messages: {
    'a.v2': {
      send: z.object({ b: z.string() }),
      receive: z.union([z.object({ b: z.string() }), z.object({ a: z.string() }).transform(({ a }) => ({ b: a }))]),
    },
    p: proto('x.proto', { n: 1n }),
    raw: bytes,
  },
  key: (message) => message.type,
  ordering: 'key',
})
export async function mixedSchemasAndCodecs(messaging: Messaging) {
  await messaging.consume(
    mixed,
    { group: 'g' },
    {
      'a.v2': async (data) => {
        data.b
      },
      p: async ({ n }) => {
        n + 1n
      },
      raw: async (body) => {
        body.byteLength
      },
    },
  )
  await messaging.send(mixed, { type: 'p', data: { n: 2n } })
}
