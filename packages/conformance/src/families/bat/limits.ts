import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems } from '../../item.ts'
import { countUnsettled } from '../../wrapped-driver.ts'
import { countsReleases, restsAt } from '../flw/at-rest.ts'
import { group, once } from '../rdr/dead-messages.ts'
import { ordered, refusesOrder } from '../rty/letters.ts'
import { BatchRecord } from './batch-record.ts'

const farAwayMs = 3_600_000

/** How many batches run at a time, and what is in none of them when the consumer ends. */
export const limits: readonly Behaviour[] = [
  {
    id: 'BAT-04',
    part: 'at most `concurrency` batches at a time',
    async run(kit) {
      const orders = kit.channel([group])
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const record = new BatchRecord(kit)
      const gates = [kit.gate(), kit.gate()]
      const options = { group, retry: once, maxSize: 10, maxWaitMs: 1, concurrency: 2 }
      const waiting = record.handler(([first]) => (gates[first?.data.n ?? -1] ?? open).opened)
      const consumer = await messaging.consumeBatch(orders, options, waiting)
      const ids: string[] = []
      for (const n of [0, 1]) {
        ids.push((await messaging.send(orders, item(n))).id)
        await kit.eventually(`batch ${n} runs`, () => record.batches.length === n + 1)
      }
      for (const n of [2, 3, 4]) {
        ids.push((await messaging.send(orders, item(n))).id)
        await kit.eventually(`${n} is collected`, () => taken.now === n + 1)
      }
      await kit.quiet('no third batch beside the two that run', {
        watch: () => record.batches.length,
        async control() {
          gates[0]?.open()
          await record.untilEntries(4)
        },
      })
      deepEqual(record.numbers, [[0], [1], [2, 3, 4]], 'what had to wait was gathered')
      consumer.setConcurrency(1)
      ids.push((await messaging.send(orders, item(5))).id)
      const waits = record.batches.length
      const { settlement, membersPerGroup } = kit.capabilities
      await kit.quiet('no second batch at concurrency 1', {
        watch: () => record.batches.length,
        async control() {
          consumer.setConcurrency(2)
          if (settlement === 'cumulative' || membersPerGroup === 1) gates[1]?.open()
          await kit.eventually('it runs at concurrency 2', () => record.batches.length === waits + 1)
        },
      })
      gates[1]?.open()
      await record.untilEntries(6)
      deepEqual(record.batches.flatMap((batch) => batch.ids).sort(), [...ids].sort(), 'each message once')
    },
  },
  {
    id: 'BAT-01',
    part: 'gathered behind batches that are not full',
    async run(kit) {
      const orders = kit.channel([group])
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const record = new BatchRecord(kit)
      const gate = kit.gate()
      const options = { group, retry: once, maxSize: 10, maxWaitMs: 1, concurrency: 2 }
      const waiting = record.handler(([first]) => (first?.data.n === 0 || first?.data.n === 1 ? gate : open).opened)
      await messaging.consumeBatch(orders, options, waiting)
      for (const n of [0, 1]) {
        await messaging.send(orders, item(n))
        await kit.eventually(`batch ${n} runs`, () => record.batches.length === n + 1)
      }
      await sendItems(
        messaging,
        orders,
        items(18).map((each) => ({ ...each, n: each.n + 2 })),
      )
      await kit.eventually('all are collected', () => taken.now === 20)
      gate.open()
      await record.untilEntries(20)
      const sizes = record.batches.map((batch) => batch.ids.length)
      ok(
        sizes.every((size) => size <= options.maxSize),
        `sizes of batches: ${sizes}`,
      )
    },
  },
  {
    id: 'BAT-01',
    part: 'in flight',
    async run(kit) {
      const orders = kit.channel([group])
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const record = new BatchRecord(kit)
      const gate = kit.gate()
      await messaging.producer(orders)
      const ids = await sendItems(messaging, orders, items(50))
      const options = { group, retry: once, maxSize: 5, maxWaitMs: farAwayMs, concurrency: 3 }
      await messaging.consumeBatch(
        orders,
        options,
        record.handler(() => gate.opened),
      )
      await kit.eventually('three batches', () => record.batches.length === 3)
      await restsAt(kit, { channel: orders.name, group }, { ready: 35, unsettled: 15 })
      await kit.quiet('no fourth', {
        watch: () => [record.batches.length, taken.now],
        async control() {
          gate.open()
          await record.untilEntries(50)
        },
      })
      ok(taken.most <= 15, `${taken.most} were unsettled at one time`)
      deepEqual(
        record.batches.map((batch) => batch.ids.length),
        Array.from({ length: 10 }, () => 5),
      )
      deepEqual(record.batches.flatMap((batch) => batch.ids).sort(), [...ids].sort(), 'each message once')
    },
  },
  {
    id: 'BAT-05',
    part: 'of a single key',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const record = new BatchRecord(kit)
      // A broker that blocks keys by itself shows the core nothing of what waits.
      const isShown = kit.capabilities.blockedKeyHolds === 'window'
      const options = { group, retry: once, maxSize: 10, maxWaitMs: isShown ? farAwayMs : 20 }
      const consumer = await messaging.consumeBatch(orders, options, record.handler())
      const sent = items(20)
      const ids = await sendItems(messaging, orders, sent)
      // All that is delivered waits for the one at hand, so nothing is gained by waiting. Only the last has no follower.
      await record.untilEntries(isShown ? 19 : 20)
      const closing = consumer.close()
      await kit.within('close', closing)
      deepEqual(
        record.numbers,
        sent.map(({ n }) => [n]),
        'one at a time, in the order sent',
      )
      deepEqual(
        record.batches.flatMap((batch) => batch.ids),
        ids,
      )
    },
    refusal: refusesOrder,
  },
  {
    id: 'BAT-06',
    part: 'behind batches that run',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const record = new BatchRecord(kit)
      const gate = kit.gate()
      const options = { group, retry: once, maxSize: 4, maxWaitMs: farAwayMs, concurrency: 2 }
      const consumer = await messaging.consumeBatch(
        orders,
        options,
        record.handler(() => gate.opened),
      )
      const ids = await sendItems(messaging, orders, items(7))
      await kit.eventually('four run, three are collected', () => record.batches.length === 1 && taken.now === 7)
      const closing = consumer.close()
      await kit.eventually('the partial batch runs', () => record.batches.length === 2)
      const late = await messaging.send(orders, item(7))
      gate.open()
      await kit.within('close', closing)
      deepEqual(
        record.batches.map((batch) => batch.ids.length),
        [4, 3],
      )
      deepEqual(record.batches.flatMap((batch) => batch.ids).sort(), [...ids].sort())
      await restsAt(kit, at, { ready: 1, unsettled: 0 })
      deepEqual(
        (await kit.probe.extract(at)).map(({ attributes }) => attributes.id),
        [late.id],
        'the rest waits for others',
      )
    },
  },
  {
    id: 'BAT-06',
    part: 'past the deadline',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const record = new BatchRecord(kit)
      const gate = kit.gate()
      const reasons: unknown[] = []
      const stuck = record.handler(async (_, { signal }) => {
        await gate.opened
        reasons.push((signal.reason as { code?: unknown } | undefined)?.code)
        throw new Error('planted: too late')
      })
      const options = { group, retry: once, maxSize: 4, maxWaitMs: farAwayMs, concurrency: 1 }
      const consumer = await messaging.consumeBatch(orders, options, stuck)
      await sendItems(messaging, orders, items(4))
      await kit.eventually('a batch runs', () => record.batches.length === 1 && taken.now === 4)
      await kit.within('close', consumer.close({ drainMs: 400 }), 400 + kit.timings.toleranceMs)
      await restsAt(kit, at, { ready: 4, unsettled: 0 })
      gate.open()
      await kit.eventually('the handler ended', () => record.entries === 4)
      deepEqual(reasons, ['closed'])
      await kit.sleep(kit.timings.quietMs)
      equal(record.batches.length, 1, 'nothing is run again once close resolved')
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'closing dead-letters nothing')
      const again = new BatchRecord(kit)
      await messaging.consumeBatch(orders, { ...options, maxWaitMs: 50 }, again.handler())
      await again.untilEntries(4)
      const attempts = again.batches.flatMap((batch) => batch.attempts)
      if (!countsReleases(kit)) deepEqual(attempts, [1, 1, 1, 1], 'what was given back counts no attempt')
    },
  },
]

/** For handlers that need not wait. */
const open = { opened: Promise.resolve() }
