// Functions, classes and decorators that applications write around the API keep its types.
import {
  type Channel,
  type ChannelTypes,
  type ConsumeOptions,
  channel,
  deadLetter,
  type HandlerContext,
  type MessageSchema,
  type Messaging,
  type Received,
  type Sendable,
  type Sent,
} from '@waybill/core'
import { z } from 'zod'
import { orderPlaced, orders } from './channels.ts'
import { messaging } from './surroundings.ts'

export function later<T extends ChannelTypes>(to: Channel<T>, data: T['send']) {
  return messaging.send(to, data, { deliverAt: new Date() })
}
export function now<C extends Channel>(to: C, data: Sent<C>) {
  return messaging.send(to, data)
}
await later(orderPlaced, { orderId: '', customerId: '', totalCents: 1 })
await now(orderPlaced, { orderId: '', customerId: '', totalCents: 1 })

const group = 'billing'
await messaging.consume(orderPlaced, { group }, async () => {})
const dynamic: string = process.argv[2]!
// @ts-expect-error a string is not a group: validate it
await messaging.consume(orderPlaced, { group: dynamic }, async () => {})

export async function onPlaced(order: Received<typeof orderPlaced>, _context: HandlerContext) {
  order.currency
}
await messaging.consume(orderPlaced, { group: 'billing' }, onPlaced)

class Billing {
  async onPlaced(_order: Received<typeof orderPlaced>) {}
}
const instance = new Billing()
await messaging.consume(orderPlaced, { group: 'billing' }, (order) => instance.onPlaced(order))

await messaging.provision([orderPlaced, orders], 'verify')
for (const each of [orderPlaced, orders]) each.name

/** What follows `deadLetter` is not reached. */
export const lengthOf = async (text: string | undefined) => {
  if (text === undefined) deadLetter('no text')
  return text.length
}

interface Legacy {
  a: string
  nested: { d: number }[]
  maybe?: string
}
const legacySchema: z.ZodType<Legacy, Legacy> = z.any()
export const legacy = channel('l', { groups: ['g'], schema: legacySchema })

export const fake: Pick<Messaging, 'send'> = { send: async () => ({ id: '1' }) }

declare function Consume<T extends ChannelTypes>(
  from: Channel<T>,
  options: ConsumeOptions<T>,
): (
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<Extract<T['handler'], (...values: any) => any>>,
) => void
export class Shipping {
  @Consume(orderPlaced, { group: 'shipping', concurrency: 4 })
  async onOrder(order: Received<typeof orderPlaced>, context: HandlerContext) {
    order.currency
    context.signal
  }
}
export class Wrong {
  // @ts-expect-error the handler takes something else
  @Consume(orderPlaced, { group: 'shipping' })
  async onOrder(_order: { nope: string }) {}
}

declare function ConsumeAny<T extends Channel>(
  from: T,
  options: { group: string },
): <F extends (data: Received<T>, context: HandlerContext) => Promise<void>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<F>,
) => void
export class Notifying {
  @ConsumeAny(orderPlaced, { group: 'shipping' })
  async onOrder(order: Received<typeof orderPlaced>) {
    order.orderId
  }
}

/** A company's own wrapper. */
export function acmeEvent<S extends MessageSchema, const G extends string>(
  name: string,
  schema: S & Sendable<S>,
  groups: readonly G[],
) {
  return channel<S, G>(`acme.${name}`, { groups, schema })
}
const event = acmeEvent('x', z.object({ a: z.string(), b: z.number().default(1) }), ['g'])
await messaging.send(event, { a: 'x' })
await messaging.consume(event, { group: 'g' }, async (data) => {
  data.b.toFixed()
})
// @ts-expect-error not JSON
acmeEvent('x', z.object({ a: z.date() }), ['g'])
