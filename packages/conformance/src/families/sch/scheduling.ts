import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Behaviour, CapabilityNeed } from '../../behaviour.ts'
import { item, sendItems } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { countSends } from '../../wrapped-driver.ts'

const group = 'billing'
const scheduling: CapabilityNeed = {
  name: 'delayedSend.toChannelMs',
  declared: ({ delayedSend }) => (delayedSend?.toChannelMs ?? 0) > 0,
}

/** Sends that are due later. */
export const scheduled: readonly Behaviour[] = [
  {
    id: 'SCH-01',
    needs: { capability: scheduling },
    async run(kit) {
      const orders = kit.channel([group, 'shipping'])
      const messaging = await kit.connect()
      const [billing, shipping] = [kit.record('billing'), kit.record('shipping')]
      await messaging.consume(orders, { group }, billing.handler())
      await messaging.consume(orders, { group: 'shipping' }, shipping.handler())
      const delaysMs = [400, 1_200, 800]
      const startedAt = monotonicMs()
      const now = Date.now()
      const ids = await Promise.all(
        delaysMs.map(
          async (delayMs) => (await messaging.send(orders, item(delayMs), { deliverAt: new Date(now + delayMs) })).id,
        ),
      )
      const [soon = ''] = await sendItems(messaging, orders, [item(0)])
      for (const record of [billing, shipping]) {
        await record.untilDone([...ids, soon], 1_200 + kit.timings.arriveMs)
        record.expectOnce([...ids, soon])
        deepEqual(
          record.runs.map(({ data }) => (data as { n: number }).n),
          [0, 400, 800, 1_200],
          'each when it is due',
        )
        for (const run of record.runs) expectTimely(kit, run.startedAt - startedAt, (run.data as { n: number }).n)
      }
    },
    refusal: (kit) => refuseSchedule(kit, 1_000),
  },
  {
    id: 'SCH-01',
    part: 'through a restart',
    needs: { faults: ['restart'], capability: scheduling },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record(group)
      await messaging.consume(orders, { group }, runs.handler())
      const delayMs = 1_000 + kit.timings.recoverMs
      const startedAt = monotonicMs()
      const { id } = await messaging.send(orders, item(), { deliverAt: new Date(Date.now() + delayMs) })
      await kit.faults.restart()
      await runs.untilDone([id], delayMs + kit.timings.recoverMs)
      runs.expectOnce([id])
      expectTimely(kit, (runs.runs[0]?.startedAt ?? 0) - startedAt, delayMs)
    },
    refusal: (kit) => refuseSchedule(kit, 1_000),
  },
  {
    id: 'SCH-02',
    needs: { capability: scheduling },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record(group)
      await messaging.consume(orders, { group }, runs.handler())
      const past = [new Date(0), new Date(Date.now() - 1_000), new Date()]
      const startedAt = monotonicMs()
      const sends = past.map(async (deliverAt) => (await messaging.send(orders, item(), { deliverAt })).id)
      const ids = await Promise.all(sends)
      await runs.untilDone(ids)
      runs.expectOnce(ids)
      for (const run of runs.runs) expectTimely(kit, run.startedAt - startedAt, 0)
    },
    refusal: (kit) => refuseSchedule(kit, -1_000),
  },
  {
    id: 'SCH-03',
    needs: { capability: scheduling },
    async run(kit) {
      const orders = kit.channel([group])
      const counter = countSends()
      const messaging = await kit.connect({ wrap: counter.wrap })
      await messaging.producer(orders)
      const maxMs = kit.capabilities.delayedSend?.toChannelMs ?? 0
      const beyond = new Date(Date.now() + maxMs + 60_000)
      const error = await kit.expectRejection('invalidArgument', messaging.send(orders, item(), { deliverAt: beyond }))
      match(error.message, new RegExp(`${maxMs}`), 'it names the maximum')
      const prepared = messaging.prepare(orders, item(), { deliverAt: beyond })
      await kit.expectRejection('invalidArgument', prepared)
      const never = messaging.send(orders, item(), { deliverAt: new Date(Number.NaN) })
      await kit.expectRejection('invalidArgument', never)
      equal(counter.handed, 0, 'messages that reached the driver')
      await messaging.send(orders, item(), { deliverAt: new Date(Date.now() + maxMs - 60_000) })
      equal(counter.handed, 1, 'within the maximum it is taken')
    },
    refusal: (kit) => refuseSchedule(kit, Number.MAX_SAFE_INTEGER / 4),
  },
]

function expectTimely(kit: Kit, tookMs: number, delayMs: number): void {
  const { granularityMs } = kit.capabilities.delayedSend ?? { granularityMs: 0 }
  ok(tookMs >= delayMs - 2, `due after ${delayMs} ms, it came early: after ${tookMs} ms`)
  ok(tookMs <= delayMs + granularityMs + kit.timings.toleranceMs, `due after ${delayMs} ms, it came after ${tookMs} ms`)
}

/** Refused before anything is on its way, whether by `send` or `prepare`. */
async function refuseSchedule(kit: Kit, inMs: number): Promise<void> {
  const orders = kit.channel([group])
  const counter = countSends()
  const messaging = await kit.connect({ wrap: counter.wrap })
  const deliverAt = new Date(Math.min(Date.now() + inMs, 8_640_000_000_000_000))
  await kit.expectUnsupported(messaging.send(orders, item(), { deliverAt }))
  await kit.expectUnsupported(messaging.prepare(orders, item(), { deliverAt }))
  equal(counter.handed, 0, 'messages that reached the driver')
}
