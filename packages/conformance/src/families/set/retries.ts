import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import { retriedWithinMs } from './retry-times.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'
const planted = (): never => {
  throw new Error('planted')
}

/** A run that failed is repeated: the same message, later, for that group alone. */
export const redeliveries: readonly Behaviour[] = [
  {
    id: 'SET-02',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const runs = kit.record<Item>(group)
      const failing = runs.handler(async (_, { attempt }) => (attempt < 3 ? planted() : undefined))
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, retry: { maxAttempts: 5, delaysMs: [50, 100] } }, failing)
      const options = { headers: { own: 'header' }, correlationId: 'c' }
      const [id = ''] = await sendItems(messaging, orders, [item(1, { key: 'k', text: 'ü' })], options)
      await runs.untilDone([id], retriedWithinMs(kit, [50, 100]))
      deepEqual(runs.attemptsOf(id), [1, 2, 3])
      const [first, ...others] = runs.runs.map(({ data, message }) => {
        const { type, source, key, correlationId, time, headers } = message
        return { id: message.id, data, type, source, key, correlationId, time, headers: { ...headers } }
      })
      for (const other of others) deepEqual(other, first, 'the same message')
      await kit.quiet('no run after the one that ended well', {
        watch: () => runs.runs.length,
        control: () => sendItems(messaging, orders, [item(2)]).then(() => runs.untilRuns(4)),
      })
      equal(await kit.probe.depth({ channel: orders.name, group }), 0)
    },
    refusal: refusesRetries,
  },
  {
    id: 'SET-03',
    needs: { capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      const failing = runs.handler(async ({ n }, { attempt }) => (attempt <= n % 4 ? planted() : undefined))
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, retry: { maxAttempts: 5, delaysMs: [50, 100, 150] } }, failing)
      const ids = await sendItems(messaging, orders, items(400))
      await runs.untilDone(ids, retriedWithinMs(kit, [50, 100, 150]) + kit.timings.recoverMs)
      for (const [n, id] of ids.entries()) {
        deepEqual(runs.attemptsOf(id), [1, 2, 3, 4].slice(0, (n % 4) + 1), `the attempts of message ${n}`)
      }
      equal(runs.runs.length, 1_000)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [])
    },
    refusal: refusesRetries,
  },
  {
    id: 'SET-06',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel(['billing', 'shipping', 'audit'])
      const messaging = await kit.connect()
      const [billing, shipping] = [kit.record<Item>('billing'), kit.record<Item>('shipping')]
      const failing = billing.handler(async (_, { attempt }) => (attempt < 3 ? planted() : undefined))
      const retry = { maxAttempts: 3, delaysMs: [50] }
      await messaging.consume(orders, { group: 'billing', retry }, failing)
      await messaging.consume(orders, { group: 'shipping', retry }, shipping.handler())
      const ids = await sendItems(messaging, orders, items(30))
      await billing.untilDone(ids, retriedWithinMs(kit, [50, 50]))
      await shipping.untilDone(ids)
      await kit.quiet('the retries of one group reach no other', {
        watch: () => shipping.runs.length,
        control: () => sendItems(messaging, orders, items(1)).then(() => shipping.untilRuns(31)),
      })
      for (const id of ids) deepEqual(billing.attemptsOf(id), [1, 2, 3])
      for (const id of ids) deepEqual(shipping.attemptsOf(id), [1])
      const untouched = await kit.probe.extract({ channel: orders.name, group: 'audit' })
      equal(untouched.length, 31)
      ok(untouched.every(({ headers }) => headers['waybill-attempt'] === undefined))
    },
    refusal: refusesRetries,
  },
]
