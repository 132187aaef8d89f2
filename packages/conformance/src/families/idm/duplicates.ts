import { deepEqual, equal, ok } from 'node:assert/strict'
import { memoryIdempotencyStore } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemIn, items, sendItems, type Item } from '../../item.ts'
import { group, once } from '../rdr/dead-messages.ts'
import { allAttemptsMs, idOf, recordOn, refusesRetries, retries, untilDeadLetters, untilEmpty } from '../rty/letters.ts'
import { newStore } from './stores.ts'

/** What is a duplicate, and what only looks like one. */
export const duplicates: readonly Behaviour[] = [
  {
    id: 'IDM-01',
    async run(kit) {
      const orders = kit.channel([group])
      const [one, other] = [await kit.connect(), await kit.connect({ source: `/conformance/${kit.nonce}` })]
      const runs = kit.record<Item>(group)
      const idempotency = { store: newStore(kit) }
      await one.consume(orders, { group, idempotency, retry: once }, runs.handler())
      if (kit.capabilities.membersPerGroup > 1) {
        await other.consume(orders, { group, idempotency, retry: once }, runs.handler(undefined, '2'))
      }
      const data = items(10)
      const sendAll = () => Promise.all(data.map((each) => one.send(orders, each, { id: `order-${each.n}` })))
      const ids = (await sendAll()).map(({ id }) => id)
      await runs.untilDone(ids)
      await Promise.all(data.map((each) => other.send(orders, each, { id: `order-${each.n}` })))
      await sendAll()
      await untilEmpty(kit, { channel: orders.name, group })
      const control = async (): Promise<void> => runs.untilDone(await sendItems(one, orders, items(1)))
      await kit.quiet('duplicates do not run', { watch: () => runs.runs.length, control })
      runs.expectOnce([...ids, runs.runs.at(-1)?.id ?? ''])
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'duplicates are accepted')
    },
  },
  {
    id: 'IDM-02',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 4, delaysMs: [20] }
      const failing = runs.handler(async (_, { attempt }) => {
        if (attempt < 3) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry, idempotency: { store: newStore(kit) } }, failing)
      const ids = await sendItems(messaging, orders, items(10))
      await runs.untilDone(ids, allAttemptsMs(kit, retry))
      for (const id of ids) deepEqual(runs.attemptsOf(id), [1, 2, 3], 'each failed run is followed by another')
      await untilEmpty(kit, { channel: orders.name, group })
      equal(runs.runs.length, 30)
    },
    refusal: refusesRetries,
  },
  {
    id: 'IDM-08',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const idempotency = { store: newStore(kit) }
      await messaging.consume(orders, { group, idempotency, retry: once }, runs.handler())
      const first = item(1, { text: 'ten euros' })
      const { id } = await messaging.send(orders, first, { id: 'order-1' })
      await runs.untilDone([id])
      await messaging.send(orders, item(1, { text: 'ten thousand' }), { id: 'order-1' })
      const [letter, ...others] = await untilDeadLetters(kit, { channel: orders.name, group }, 1)
      ok(letter)
      equal(others.length, 0)
      equal(idOf(letter), id)
      equal(itemIn(letter.body).text, 'ten thousand', 'the other payload is kept')
      const { type, message, attempts } = recordOn(letter)
      deepEqual([type, attempts], ['MessagingError', '1'])
      ok(message?.includes('order-1'), `it says which: ${message}`)
      await messaging.send(orders, first, { id: 'order-1' })
      await untilEmpty(kit, { channel: orders.name, group })
      deepEqual(
        runs.runs.map(({ data }) => data.text),
        ['ten euros'],
        'the first one is not run again, the other not at all',
      )
    },
  },
  {
    id: 'IDM-09',
    async run(kit) {
      const { redeliveryHorizonMs } = kit.capabilities
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const consume = (retentionMs: number) =>
        messaging.consume(
          orders,
          { group, retry: once, idempotency: { store: memoryIdempotencyStore({ retentionMs }) } },
          async () => {},
        )
      const tooShortMs = Number.isFinite(redeliveryHorizonMs) ? redeliveryHorizonMs - 1 : Number.MAX_SAFE_INTEGER
      const error = await kit.expectRejection('failedPrecondition', consume(tooShortMs))
      ok(/retentionMs/.test(error.message), `it says what to change: ${error.message}`)
      await consume(redeliveryHorizonMs)
    },
  },
  {
    id: 'IDM-10',
    async run(kit) {
      const [orders, invoices] = [kit.channel([group, 'shipping']), kit.channel([group])]
      const messaging = await kit.connect()
      const idempotency = { store: newStore(kit) }
      const runs = kit.record<Item>('all')
      await messaging.consume(orders, { group, idempotency, retry: once }, runs.handler())
      await messaging.consume(orders, { group: 'shipping', idempotency, retry: once }, runs.handler())
      await messaging.consume(invoices, { group, idempotency, retry: once }, runs.handler())
      for (let copy = 0; copy < 2; copy++) {
        await messaging.send(orders, item(), { id: 'order-1' })
        await messaging.send(invoices, item(), { id: 'order-1' })
      }
      await runs.untilRuns(3)
      for (const [channel, of] of [
        [orders.name, group],
        [orders.name, 'shipping'],
        [invoices.name, group],
      ] as const) {
        await untilEmpty(kit, { channel, group: of })
        equal(runs.runs.filter((run) => run.channel === channel && run.group === of).length, 1, `${of} of ${channel}`)
      }
    },
  },
  {
    id: 'IDM-11',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const idempotency = { store: newStore(kit) }
      const runs = kit.record<Item>(group)
      let isMended = false
      const failing = runs.handler(async () => {
        if (!isMended) throw new Error('planted')
      })
      await messaging.consume(orders, { group, idempotency, retry: once }, failing)
      const ids = await sendItems(messaging, orders, items(5))
      await untilDeadLetters(kit, { channel: orders.name, group }, 5)
      isMended = true
      deepEqual(await messaging.deadLetters(orders, group).redrive('all'), { redriven: 5, failed: [] })
      await runs.untilDone(ids)
      for (const [n, id] of ids.entries()) {
        equal(runs.of(id).length, 2)
        await messaging.send(orders, item(n), { id })
      }
      await untilEmpty(kit, { channel: orders.name, group })
      equal(runs.runs.length, 10, 'and once it was handled, a copy is a duplicate again')
    },
  },
]
