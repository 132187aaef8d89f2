import { deepEqual, equal } from 'node:assert/strict'
import { channel, json, type Handler } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { Kit } from '../../kit.ts'
import { item, itemSchema } from '../../item.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const messages = { 'order.placed': itemSchema, 'order.cancelled': itemSchema, 'order.seen': itemSchema }
const unknown = ['order.exploded', 'toString', '__proto__', '*', 'Order.Placed']

/** Several types on one channel, and those that nobody declared. */
export const types: readonly Behaviour[] = [
  {
    id: 'MSG-13',
    async run(kit) {
      const { handled, orders, note, messaging } = await orderChannel(kit)
      const consumer = {
        'order.placed': note('placed'),
        'order.cancelled': note('cancelled'),
        'order.seen': 'ignore',
        '*': note('any other'),
      } as const
      await messaging.consume(orders, { group: 'billing' }, consumer)
      const sent = ['order.placed', 'order.cancelled', 'order.seen', 'order.placed'] as const
      for (const [n, type] of sent.entries()) await messaging.send(orders, { type, data: item(n) })
      await injectTypes(kit, orders.name, unknown)
      await kit.eventually('all but the ignored handled', () => handled.length >= 3 + unknown.length)
      deepEqual([...handled].sort(), [
        ...unknown.map((type) => `any other: ${type}`).sort(),
        'cancelled: order.cancelled',
        'placed: order.placed',
        'placed: order.placed',
      ])
      await kit.eventually(
        'the group is empty',
        async () => {
          const at = { channel: orders.name, group: 'billing' } as const
          return (await kit.probe.depth(at)) === 0 && (await kit.probe.unsettled(at)) === 0
        },
        kit.timings.arriveMs + kit.timings.leaseMs,
      )
      deepEqual(await kit.probe.readDeadLetters(orders.name, 'billing'), [], 'nothing was put aside')
    },
  },
  {
    id: 'MSG-13',
    part: 'unknown types without a handler for them',
    needs: { capability: retries },
    async run(kit) {
      const { handled, orders, note, messaging } = await orderChannel(kit)
      const consumer = {
        'order.placed': note('placed'),
        'order.cancelled': note('cancelled'),
        'order.seen': note('seen'),
      }
      await messaging.consume(orders, { group: 'billing', retry: { maxAttempts: 5, delaysMs: [10] } }, consumer)
      await injectTypes(kit, orders.name, unknown)
      await messaging.send(orders, { type: 'order.cancelled', data: item() })
      const letters = () => kit.probe.readDeadLetters(orders.name, 'billing')
      await kit.eventually('dead letters', async () => (await letters()).length >= unknown.length)
      const found = await letters()
      deepEqual(found.map(({ attributes }) => attributes.type).sort(), [...unknown].sort())
      for (const { headers } of found) equal(headers['waybill-failure-attempts'], '1')
      await kit.eventually('the known one handled', () => handled.length >= 1)
      deepEqual(handled, ['cancelled: order.cancelled'])
    },
    refusal: refusesRetries,
  },
  {
    id: 'MSG-13',
    part: 'told by the body',
    async run(kit) {
      const typeOf = (value: unknown): string => `order.${(value as { kind?: string }).kind}`
      const orders = channel(kit.name('orders'), {
        messages: { 'order.placed': json, 'order.cancelled': json },
        typeOf,
        groups: ['billing'],
      })
      const handled: string[] = []
      const note =
        (name: string): Handler<unknown> =>
        async (data) =>
          void handled.push(`${name}: ${JSON.stringify(data)}`)
      const messaging = await kit.connect()
      const consumer = { 'order.placed': note('placed'), 'order.cancelled': note('cancelled'), '*': note('any other') }
      await messaging.consume(orders, { group: 'billing' }, consumer)
      const bodies = ['{"kind":"placed"}', '{"kind":"cancelled"}', '{"kind":"lost"}']
      for (const body of bodies) await kit.probe.inject({ channel: orders.name }, { body: Buffer.from(body) })
      await kit.eventually('all handled', () => handled.length >= 3)
      deepEqual([...handled].sort(), [
        'any other: {"kind":"lost"}',
        'cancelled: {"kind":"cancelled"}',
        'placed: {"kind":"placed"}',
      ])
    },
  },
]

async function orderChannel(kit: Kit) {
  const orders = channel(kit.name('orders'), { messages, groups: ['billing'] })
  const handled: string[] = []
  const note =
    (name: string): Handler<unknown> =>
    async (_, { message }) =>
      void handled.push(`${name}: ${message.type}`)
  return { orders, handled, note, messaging: await kit.connect() }
}

async function injectTypes(kit: Kit, name: string, typeNames: readonly string[]): Promise<void> {
  for (const [n, type] of typeNames.entries()) {
    const attributes = { id: `unknown-${n}`, source: '/probe', type, datacontenttype: 'application/json' }
    await kit.probe.inject({ channel: name }, { attributes, body: Buffer.from(JSON.stringify(item(n))) })
  }
}
