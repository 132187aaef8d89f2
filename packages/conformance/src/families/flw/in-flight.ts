import { equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import { countUnsettled } from '../../wrapped-driver.ts'
import { once } from '../rdr/dead-messages.ts'
import { ordered, refusesOrder } from '../rty/letters.ts'
import { holdsAtMost, restsAt } from './at-rest.ts'

const group = 'billing'

/** What a consumer takes from the broker before it has settled what it took. */
export const inFlight: readonly Behaviour[] = [
  {
    id: 'FLW-01',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const gate = kit.gate()
      const runs = kit.record<Item>(group)
      await messaging.producer(orders)
      const ids = await sendItems(messaging, orders, items(40))
      await messaging.consume(
        orders,
        { group, retry: once, concurrency: 4 },
        runs.handler(() => gate.opened),
      )
      await runs.untilRuns(4)
      await restsAt(kit, at, { ready: 36, unsettled: 4 })
      await kit.quiet('no fifth before one of the four is done', {
        watch: () => [runs.runs.length, taken.now],
        async control() {
          gate.open()
          await runs.untilDone(ids)
        },
      })
      runs.expectOnce(ids)
      equal(runs.maxConcurrent(), 4, 'handlers at one time')
      equal(taken.most, 4, 'unsettled at one time')
      await restsAt(kit, at, { ready: 0, unsettled: 0 })
    },
  },
  {
    id: 'FLW-04',
    part: 'in bytes',
    needs: { capability: { name: 'byteBound', declared: ({ byteBound }) => byteBound } },
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const messaging = await kit.connect()
      const gate = kit.gate()
      const runs = kit.record<Item>(group)
      await messaging.producer(orders)
      const text = 'x'.repeat(30_000)
      const ids = await sendItems(messaging, orders, items(20, { text }))
      const options = { group, retry: once, concurrency: 20, maxInFlightBytes: 100_000 } as const
      await messaging.consume(
        orders,
        options,
        runs.handler(() => gate.opened),
      )
      await runs.untilRuns(4)
      await restsAt(kit, at, { ready: 16, unsettled: 4 })
      await kit.quiet('no fifth before one of the four is done', {
        watch: () => runs.runs.length,
        async control() {
          gate.open()
          await runs.untilDone(ids)
        },
      })
      const [large] = await sendItems(messaging, orders, [item(99, { text: 'x'.repeat(200_000) })])
      await runs.untilDone([large ?? ''])
      runs.expectOnce([...ids, large ?? ''])
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const options = { group, retry: once, maxInFlightBytes: 100_000 } as const
      await kit.expectUnsupported(messaging.consume(kit.channel([group]), options, async () => {}))
    },
  },
  {
    id: 'FLW-01',
    part: 'the rest is free for others',
    needs: {
      capability: { name: 'membersPerGroup', declared: ({ membersPerGroup }) => membersPerGroup > 1 },
    },
    async run(kit) {
      const orders = kit.channel([group])
      const [stuck, other] = [await kit.connect(), await kit.connect()]
      const gate = kit.gate()
      const [held, others] = [kit.record<Item>('stuck'), kit.record<Item>('other')]
      await stuck.producer(orders)
      const ids = await sendItems(stuck, orders, items(40, { keys: 40 }))
      await stuck.consume(
        orders,
        { group, retry: once, concurrency: 3 },
        held.handler(() => gate.opened),
      )
      await held.untilRuns(3)
      await other.consume(orders, { group, retry: once, concurrency: 3 }, others.handler())
      // Of a log the other gets its share only, less those parts that wait for what the first one has in flight there.
      const share = kit.capabilities.settlement === 'cumulative' ? 1 : 37
      await others.untilRuns(share, kit.timings.arriveMs + kit.timings.leaseMs)
      equal(held.runs.length, 3)
      gate.open()
      await kit.eventually('all are handled', () => held.done.length + others.done.length === 40)
      equal(new Set([...held.done, ...others.done].map(({ id }) => id)).size, ids.length, 'each by one of them')
    },
    async refusal(kit) {
      const orders = kit.channel([group])
      const [first, second] = [await kit.connect(), await kit.connect()]
      await first.consume(orders, { group, retry: once }, async () => {})
      await kit.expectUnsupported(second.consume(orders, { group, retry: once }, async () => {}))
    },
  },
  {
    id: 'FLW-01',
    part: 'in order',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const at = { channel: orders.name, group }
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const gate = kit.gate()
      const runs = kit.record<Item>(group)
      await messaging.producer(orders)
      const ids = await sendItems(messaging, orders, items(200, { keys: 50 }))
      await messaging.consume(
        orders,
        { group, retry: once, concurrency: 4 },
        runs.handler(() => gate.opened),
      )
      await runs.untilRuns(4)
      await holdsAtMost(kit, at, 64, 200)
      await kit.quiet('no fifth before one of the four is done', {
        watch: () => [runs.runs.length, taken.now],
        async control() {
          gate.open()
          await runs.untilDone(ids)
        },
      })
      runs.expectOnce(ids)
      equal(runs.maxConcurrent(), 4, 'handlers at one time')
      equal(
        runs.maxConcurrent(({ data }) => data.key),
        1,
        'handlers of one key at one time',
      )
      ok(taken.most <= 64, `${taken.most} were unsettled at one time`)
    },
    refusal: refusesOrder,
  },
]
