import { equal, ok } from 'node:assert/strict'
import type { Messaging } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { heldBytes } from '../../held-bytes.ts'
import { items, sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { countUnsettled } from '../../wrapped-driver.ts'
import { once } from '../rdr/dead-messages.ts'
import { restsAt } from './at-rest.ts'

const text = 'x'.repeat(32 * 1_024)
const workMs = 20
const concurrency = 8

/** A slow consumer, and a slow message, hold up nobody but themselves. */
export const slowness: readonly Behaviour[] = [
  {
    id: 'FLW-04',
    tags: ['long'],
    deadlineMs: 90_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 600, full: 3_000 })
      const sender = await kit.connect()
      // Both at once, so that what slows the machine slows both.
      const [alone, beside] = [await lane(kit, sender, 'alone'), await lane(kit, sender, 'beside')]
      const patienceMs = kit.timings.arriveMs + ((count * workMs) / concurrency) * 5
      const round = async ({ orders, fast }: Lane): Promise<{ ids: readonly string[]; rate: number }> => {
        const before = fast.runs.length
        const ids = await sendItems(sender, orders, items(count, { text }))
        await fast.untilDone(ids, patienceMs)
        return { ids, rate: perSecond(fast, before) }
      }
      const backlog = await round(beside)
      const gate = kit.gate()
      const taken = countUnsettled()
      const slow = kit.record<Item>('slow')
      const stuck = await kit.connect({ wrap: taken.wrap })
      const before = heldBytes()
      const options = { group: 'slow', retry: once, concurrency: 4 } as const
      await stuck.consume(
        beside.orders,
        options,
        slow.handler(() => gate.opened),
      )
      await slow.untilRuns(4)
      await kit.sleep(kit.timings.quietMs)
      const grownMiB = (heldBytes() - before) / 2 ** 20
      const waitingMiB = (count * text.length) / 2 ** 20
      ok(grownMiB < waitingMiB / 4, `it holds ${grownMiB.toFixed(1)} MiB of the ${waitingMiB.toFixed(1)} MiB that wait`)
      const [without, withSlow] = await Promise.all([round(alone), round(beside)])
      const share = withSlow.rate / without.rate
      kit.log.note(`per second: ${without.rate.toFixed(0)} alone, ${withSlow.rate.toFixed(0)} beside a slow consumer`)
      ok(share >= 0.8, `beside a slow consumer others keep ${(share * 100).toFixed(0)} % of their rate`)
      equal(slow.runs.length, 4, 'the slow one went on with what it had')
      ok(taken.most <= 4, `${taken.most} were in flight at one time`)
      gate.open()
      const ids = [...backlog.ids, ...withSlow.ids]
      await slow.untilDone(ids, patienceMs)
      slow.expectOnce(ids)
      beside.fast.expectOnce(ids)
      alone.fast.expectOnce(without.ids)
    },
  },
  {
    id: 'FLW-04',
    part: 'on the same connection',
    async run(kit) {
      const [slowOrders, orders] = [kit.channel(['slow']), kit.channel(['fast'])]
      const messaging = await kit.connect()
      const gate = kit.gate()
      const [fast, slow] = [kit.record<Item>('fast'), kit.record<Item>('slow')]
      await messaging.consume(
        slowOrders,
        { group: 'slow', retry: once, concurrency: 2 },
        slow.handler(() => gate.opened),
      )
      await messaging.consume(orders, { group: 'fast', retry: once, concurrency: 2 }, fast.handler())
      const stuck = await sendItems(messaging, slowOrders, items(100, { text }))
      await slow.untilRuns(2)
      const ids = await sendItems(messaging, orders, items(100))
      await fast.untilDone(ids)
      equal(slow.runs.length, 2)
      gate.open()
      await slow.untilDone(stuck)
      slow.expectOnce(stuck)
      fast.expectOnce(ids)
    },
  },
  {
    id: 'FLW-05',
    async run(kit) {
      const orders = kit.channel(['billing'])
      const at = { channel: orders.name, group: 'billing' }
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const gate = kit.gate()
      const runs = kit.record<Item>('billing')
      const handler = runs.handler(({ n }) => (n === 0 ? gate.opened : Promise.resolve()))
      await messaging.consume(orders, { group: 'billing', retry: once, concurrency: 3 }, handler)
      const [first, ...others] = await sendItems(messaging, orders, items(200, { keys: 200 }))
      const startedAt = monotonicMs()
      await runs.untilDone(others)
      ok(
        runs.of(first as string).every(({ outcome }) => outcome === 'running'),
        'the slow one still runs',
      )
      kit.log.note(`the others took ${(monotonicMs() - startedAt).toFixed(0)} ms`)
      ok(taken.most <= 3, `${taken.most} were in flight at one time`)
      await restsAt(kit, at, { ready: 0, unsettled: 1 })
      await kit.quiet('the slow one is not given to anybody again', {
        watch: () => [runs.runs.length, runs.done.length],
        async control() {
          gate.open()
          await runs.untilDone([first as string])
        },
      })
      runs.expectOnce([first as string, ...others])
      await restsAt(kit, at, { ready: 0, unsettled: 0 })
    },
  },
]

interface Lane {
  readonly orders: ItemChannel<'fast' | 'slow'>
  readonly fast: DeliveryRecord<Item>
}

/** A channel whose messages a quick consumer and a slow one should get; the quick one is there. */
async function lane(kit: Kit, sender: Messaging, name: string): Promise<Lane> {
  const orders = kit.channel(['fast', 'slow'])
  const fast = kit.record<Item>(name)
  await sender.producer(orders)
  const handler = fast.handler(() => kit.sleep(workMs))
  await (await kit.connect()).consume(orders, { group: 'fast', retry: once, concurrency }, handler)
  return { orders, fast }
}

/** From the first of these runs to the end of the last, so that sending does not count. */
function perSecond(record: DeliveryRecord<Item>, from: number): number {
  const runs = record.runs.slice(from)
  const first = Math.min(...runs.map(({ startedAt }) => startedAt))
  const last = Math.max(...runs.map(({ endedAt }) => endedAt ?? Infinity))
  return (runs.length * 1_000) / (last - first)
}
