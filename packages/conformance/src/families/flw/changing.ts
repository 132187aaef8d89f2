import { deepEqual, equal, ok } from 'node:assert/strict'
import { MessagingError } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import type { Gate } from '../../kit.ts'
import { once } from '../rdr/dead-messages.ts'
import { ordered, refusesOrder } from '../rty/letters.ts'
import { countsReleases, holdsAtMost, restsAt } from './at-rest.ts'

const group = 'billing'

/** Concurrency that changes under way. */
export const changing: readonly Behaviour[] = [
  {
    id: 'FLW-07',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const messaging = await kit.connect()
      const gates: Gate[] = [kit.gate(), kit.gate(), kit.gate()]
      let phase = 0
      const runs = kit.record<Item>(group)
      const handler = runs.handler(() => (gates[phase] as Gate).opened)
      const running = (): number => runs.runs.filter(({ outcome }) => outcome === 'running').length
      await messaging.producer(orders)
      const ids = await sendItems(messaging, orders, items(60))
      const consumer = await messaging.consume(orders, { group, retry: once, concurrency: 2 }, handler)
      await runs.untilRuns(2)
      for (const wrong of [0, -1, 1.5, Number.NaN, Infinity, '4' as never]) {
        let error: unknown
        try {
          consumer.setConcurrency(wrong)
        } catch (thrown) {
          error = thrown
        }
        ok(MessagingError.is(error) && error.code === 'invalidArgument', `setConcurrency(${wrong}): ${error}`)
      }
      consumer.setConcurrency(8)
      phase = 1
      // Only there must what runs end before the broker can be asked for more.
      if (kit.capabilities.settlement === 'cumulative' || kit.capabilities.membersPerGroup === 1) gates[0]?.open()
      await kit.eventually('eight run', () => running() === 8)
      // What ran under the old concurrency may count aside until it ends.
      if (runs.done.length === 0) await holdsAtMost(kit, at, 2 + 8, 60)
      consumer.setConcurrency(3)
      phase = 2
      const before = runs.runs.length
      for (const gate of gates.slice(0, 2)) gate.open()
      await kit.eventually('three run', () => runs.runs.length === before + 3 && running() === 3)
      await restsAt(kit, at, { ready: 60 - before - 3, unsettled: 3 })
      await kit.quiet('no fourth beside the three', {
        watch: () => runs.runs.length,
        async control() {
          gates[2]?.open()
          await runs.untilDone(ids)
        },
      })
      runs.expectOnce(ids)
      equal(runs.maxConcurrent(), 8, 'handlers at one time')
    },
  },
  {
    id: 'FLW-07',
    part: 'often, under load',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const handler = runs.handler(() => kit.sleep(3))
      const consumer = await messaging.consume(orders, { group, retry: once, concurrency: 1 }, handler)
      const sent = sendItems(messaging, orders, items(400))
      for (const [index, concurrency] of [12, 2, 7, 1, 9].entries()) {
        await runs.untilRuns((index + 1) * 20)
        consumer.setConcurrency(concurrency)
      }
      const ids = await sent
      await runs.untilDone(ids)
      runs.expectOnce(ids)
      if (!countsReleases(kit))
        ok(
          runs.runs.every(({ attempt }) => attempt === 1),
          `${runs}`,
        )
      ok(runs.maxConcurrent() <= 12, `${runs.maxConcurrent()} at a time`)
      await restsAt(kit, { channel: orders.name, group }, { ready: 0, unsettled: 0 })
    },
  },
  {
    id: 'FLW-07',
    part: 'while paused',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const consumer = await messaging.consume(
        orders,
        { group, retry: once, concurrency: 2 },
        runs.handler(() => gate.opened),
      )
      consumer.pause()
      const ids = await sendItems(messaging, orders, items(10))
      consumer.setConcurrency(5)
      await kit.quiet('it stays paused', {
        watch: () => runs.runs.length,
        async control() {
          consumer.resume()
          await runs.untilRuns(5)
        },
      })
      await restsAt(kit, { channel: orders.name, group }, { ready: 5, unsettled: 5 })
      equal(runs.runs.length, 5)
      gate.open()
      await runs.untilDone(ids)
      runs.expectOnce(ids)
    },
  },
  {
    id: 'FLW-07',
    part: 'in order',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const handler = runs.handler(() => kit.sleep(3))
      const consumer = await messaging.consume(orders, { group, retry: once, concurrency: 1 }, handler)
      const sent = sendItems(messaging, orders, items(300, { keys: 10 }))
      // 40 and 50 change how much is taken from the broker, 4 and 3 only how much of it runs.
      for (const [index, concurrency] of [40, 4, 3, 50].entries()) {
        await runs.untilRuns((index + 1) * 20)
        consumer.setConcurrency(concurrency)
      }
      const ids = await sent
      await runs.untilDone(ids)
      runs.expectOnce(ids)
      equal(
        runs.maxConcurrent(({ data }) => data.key),
        1,
        'handlers of one key at one time',
      )
      for (const [key, data] of runs.inOrder(({ data }) => data.key)) {
        const order = data.map(({ n }) => n)
        deepEqual(
          order,
          [...order].sort((a, b) => a - b),
          `the order of ${key}`,
        )
      }
    },
    refusal: refusesOrder,
  },
]
