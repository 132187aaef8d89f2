import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { watchDeliveries } from '../../wrapped-driver.ts'
import { group, once } from '../rdr/dead-messages.ts'
import { untilEmpty } from '../rty/letters.ts'
import { BatchRecord } from './batch-record.ts'

/** When a batch is handed over, and with how many. */
export const collecting: readonly Behaviour[] = [
  {
    id: 'BAT-01',
    async run(kit) {
      const [maxSize, maxWaitMs] = [10, 2_000]
      const orders = kit.channel([group])
      let lastDelivered = 0
      let firstDelivered = Number.NaN
      const wrap = watchDeliveries(() => {
        lastDelivered = monotonicMs()
        if (Number.isNaN(firstDelivered)) firstDelivered = lastDelivered
      })
      const messaging = await kit.connect({ wrap })
      const record = new BatchRecord(kit)
      const options = { group, retry: once, maxSize, maxWaitMs }
      await messaging.consumeBatch(orders, options, record.handler())
      const ids = [...(await sendItems(messaging, orders, items(20)))]
      await record.untilEntries(20)
      deepEqual(
        record.batches.map((batch) => batch.ids.length),
        [10, 10],
        'full batches',
      )
      const fullAt = record.batches[1]?.startedAt ?? 0
      ok(fullAt - lastDelivered < maxWaitMs / 2, 'a full batch does not wait')
      firstDelivered = Number.NaN
      ids.push(...(await sendItems(messaging, orders, items(3))))
      await record.untilEntries(23, maxWaitMs + kit.timings.arriveMs)
      const waited = (record.batches[2]?.startedAt ?? 0) - firstDelivered
      deepEqual(record.batches[2]?.ids.length, 3)
      ok(waited >= maxWaitMs - 5 && waited <= maxWaitMs + kit.timings.toleranceMs, `flushed after ${waited} ms`)
      ids.push(...(await sendItems(messaging, orders, items(35))))
      await record.untilEntries(58, maxWaitMs + kit.timings.arriveMs)
      ok(
        record.batches.every((batch) => batch.ids.length <= maxSize),
        `${record.batches.map((batch) => batch.ids.length)}`,
      )
      deepEqual(record.batches.flatMap((batch) => batch.ids).sort(), [...ids].sort(), 'each message once')
      await untilEmpty(kit, { channel: orders.name, group })
    },
  },
  {
    id: 'BAT-04',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const record = new BatchRecord(kit)
      const gate = kit.gate()
      const blocking = record.handler(([first]) => (first?.data.n === 0 ? gate.opened : Promise.resolve()))
      const options = { group, retry: once, maxSize: 5, maxWaitMs: 100, concurrency: 2 }
      await messaging.consumeBatch(orders, options, blocking)
      const slow = await sendItems(messaging, orders, items(1))
      await kit.eventually('a slow batch', () => record.batches.length === 1)
      const ids = await sendItems(
        messaging,
        orders,
        items(100).map((each) => ({ ...each, n: each.n + 1 })),
      )
      await record.untilEntries(100, kit.timings.arriveMs + 5_000)
      equal(record.batches[0]?.outcome, 'running', 'the others did not wait for the slow one')
      gate.open()
      await record.untilEntries(101)
      deepEqual(record.batches.flatMap((batch) => batch.ids).sort(), [...slow, ...ids].sort())
      await untilEmpty(kit, { channel: orders.name, group })
    },
  },
  {
    id: 'BAT-06',
    async run(kit) {
      const orders = kit.channel([group])
      let delivered = 0
      const messaging = await kit.connect({ wrap: watchDeliveries(() => delivered++) })
      const record = new BatchRecord(kit)
      const options = { group, retry: once, maxSize: 100, maxWaitMs: 60_000 }
      const consumer = await messaging.consumeBatch(orders, options, record.handler())
      const ids = await sendItems(messaging, orders, items(5))
      await kit.eventually('all are delivered', () => delivered === 5)
      equal(record.batches.length, 0, 'they wait for more')
      const closing = monotonicMs()
      await kit.within('close', consumer.close())
      ok(monotonicMs() - closing <= kit.timings.toleranceMs + 1_000, 'closing does not wait for more')
      deepEqual(
        record.batches.map((batch) => batch.ids),
        [ids],
        'what was collected is handled at the end',
      )
      await untilEmpty(kit, { channel: orders.name, group })
      equal(delivered, 5)
    },
  },
]
