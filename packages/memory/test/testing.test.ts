import { expect, test } from 'vitest'
import { channel, deadLetter, type Channel, type MessagingError } from '@waybill/core'
import type { StandardSchemaV1 } from '@waybill/core'
import { memory, memoryDelivery } from '../src/index.ts'
import { testMessaging } from '../src/testing/index.ts'

interface Order {
  readonly orderId: string
  readonly totalCents: number
}

const orderSchema: StandardSchemaV1<Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const order = value as Partial<Order> | null
      if (typeof order?.orderId === 'string' && typeof order.totalCents === 'number') return { value: order as Order }
      return { issues: [{ message: 'expected an order' }] }
    },
  },
}

const orders = channel('orders', { schema: orderSchema, groups: ['billing', 'shipping'] })
const keyedOrders = channel('keyed', {
  schema: orderSchema,
  key: (order) => order.orderId,
  ordering: 'key',
  groups: ['billing'],
})
const news = channel('news', { schema: orderSchema, groups: [] })

test('what was sent is shown decoded, in order, and not what others sent', async () => {
  await using messaging = await testMessaging()
  await messaging.send(orders, { orderId: '1', totalCents: 5 }, { headers: { tenant: 'a' } })
  await messaging.inject(orders, { body: '{"orderId":"x","totalCents":1}' })
  await messaging.sendAll(orders, [
    { orderId: '2', totalCents: 6 },
    { orderId: '3', totalCents: 7 },
  ])
  const sent = await messaging.sent(orders)
  expect(sent.map((message) => message.data.orderId)).toEqual(['1', '2', '3'])
  expect(sent[0]?.headers.tenant).toBe('a')
  expect(sent[0]?.time).toEqual(new Date('2025-01-01T00:00:00.000Z'))
})

test('a broadcast that nobody hears counts as sent', async () => {
  await using messaging = await testMessaging({ now: new Date('2030-05-05T00:00:00Z') })
  await messaging.send(news, { orderId: '1', totalCents: 5 })
  expect(await messaging.sent(news)).toHaveLength(1)
})

test('advance runs retries at their times, and the dead letter can be corrected', async () => {
  await using messaging = await testMessaging()
  const attempts: number[] = []
  await messaging.consume(
    orders,
    { group: 'billing', retry: { maxAttempts: 3, delaysMs: [1_000, 60_000] } },
    async (order, { attempt }) => {
      attempts.push(attempt)
      if (order.totalCents === 0) throw new Error('nothing to pay')
    },
  )
  await messaging.send(orders, { orderId: '1', totalCents: 0 })
  await messaging.idle()
  expect(attempts).toEqual([1])
  await messaging.advance(999)
  expect(attempts).toEqual([1])
  await messaging.advance(1)
  expect(attempts).toEqual([1, 2])
  await messaging.advance(60_000)
  expect(attempts).toEqual([1, 2, 3])
  const [letter] = await messaging.deadLettered(orders, 'billing')
  expect(letter?.failure?.attempts).toBe(3)
  const order = await letter?.decode()
  await messaging
    .deadLetters(orders, 'billing')
    .replace(letter?.message.id ?? '', { orderId: '1', ...order, totalCents: 500 })
  await messaging.idle()
  expect(await messaging.deadLettered(orders, 'billing')).toHaveLength(0)
  expect(attempts).toEqual([1, 2, 3, 1])
})

test('idle does not wait for a retry that the core holds to keep order', async () => {
  await using messaging = await testMessaging()
  const seen: string[] = []
  await messaging.consume(keyedOrders, { group: 'billing' }, async (order, { attempt }) => {
    seen.push(`${order.totalCents}#${attempt}`)
    if (order.totalCents === 1 && attempt === 1) throw new Error('not yet')
  })
  for (const totalCents of [1, 2]) await messaging.send(keyedOrders, { orderId: 'a', totalCents })
  await messaging.idle()
  expect(seen).toEqual(['1#1'])
  await messaging.advance(60_000)
  expect(seen).toEqual(['1#1', '1#2', '2#1'])
})

test('idle waits for handlers that do something real', async () => {
  await using messaging = await testMessaging()
  let done = 0
  await messaging.consume(orders, { group: 'billing' }, async (_, { message }) => {
    expect(memoryDelivery(message)).toEqual({ lane: 'orders/billing', sequence: 1 })
    await new Promise((resolve) => setTimeout(resolve, 30))
    done++
  })
  void messaging.send(orders, { orderId: '1', totalCents: 5 })
  await messaging.idle()
  expect(done).toBe(1)
})

test('advance fires the timeout of a handler that hangs', async () => {
  await using messaging = await testMessaging()
  const reasons: unknown[] = []
  const options = { group: 'billing', timeoutMs: 5_000, retry: { maxAttempts: 1, delaysMs: [] } } as const
  await messaging.consume(orders, options, (_, { signal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as MessagingError).code)
        reject(signal.reason as Error)
      })
    })
  })
  await messaging.send(orders, { orderId: '1', totalCents: 5 })
  await messaging.advance(4_999)
  expect(reasons).toEqual([])
  await messaging.advance(1)
  expect(reasons).toEqual(['timeout'])
  expect(await messaging.deadLettered(orders, 'billing')).toHaveLength(1)
})

test('a message that cannot be read is dead-lettered at once', async () => {
  await using messaging = await testMessaging()
  await messaging.consume(orders, { group: 'billing' }, async () => deadLetter('never'))
  await messaging.inject(orders, { body: 'not json', headers: { from: 'elsewhere' }, key: 'k' })
  await messaging.idle()
  const [letter] = await messaging.deadLettered(orders, 'billing')
  expect(letter?.message.headers.from).toBe('elsewhere')
  expect(letter?.message.key).toBe('k')
  await expect(letter?.decode()).rejects.toMatchObject({ code: 'decodeFailed' })
})

test('like: refuses what the other driver would refuse', async () => {
  const like = memory({ profile: 'bare' })
  await using messaging = await testMessaging({ like })
  const refused: Channel = keyedOrders
  await expect(messaging.consume(refused, { group: 'billing' }, async () => {})).rejects.toMatchObject({
    code: 'unsupported',
  })
})

test('middleware runs, and an unknown option is refused', async () => {
  const names: string[] = []
  await using messaging = await testMessaging({
    middleware: [
      {
        send: (outgoing, next) => {
          names.push(outgoing.channel)
          return next()
        },
      },
    ],
  })
  await messaging.send(orders, { orderId: '1', totalCents: 5 })
  expect(names).toEqual(['orders'])
  await expect(testMessaging({ lik: 1 } as never)).rejects.toMatchObject({ code: 'invalidArgument' })
})
