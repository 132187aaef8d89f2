import { equal, ok } from 'node:assert/strict'
import type { Messaging } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { once } from '../rdr/dead-messages.ts'
import { restsAt } from './at-rest.ts'

const group = 'billing'

/** Many at once. */
export const crowds: readonly Behaviour[] = [
  {
    id: 'FLW-02',
    tags: ['long'],
    deadlineMs: 60_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 1_000, full: 5_000 })
      const members = Math.min(kit.size('consumers', { reduced: 20, full: 50 }), kit.capabilities.membersPerGroup)
      const orders = kit.channel([group])
      const instances = await connectMany(kit, Math.min(5, members))
      const runs = kit.record<Item>(group)
      for (let index = 0; index < members; index++) {
        const messaging = instances[index % instances.length] as Messaging
        await messaging.consume(
          orders,
          { group, retry: once, concurrency: 4 },
          runs.handler(() => kit.sleep(5), `${index}`),
        )
      }
      const ids = await sendItems(instances[0] as Messaging, orders, items(count, { keys: count }))
      await runs.untilDone(ids, kit.timings.arriveMs + count * 10)
      await restsAt(kit, { channel: orders.name, group }, { ready: 0, unsettled: 0 })
      runs.expectOnce(ids)
      ok(
        runs.runs.every(({ attempt }) => attempt === 1),
        `${runs}`,
      )
      const busiest = runs.maxConcurrent(({ member }) => member)
      ok(busiest <= 4, `one consumer ran ${busiest} at a time`)
    },
  },
  {
    id: 'FLW-03',
    tags: ['long'],
    deadlineMs: 60_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 2_000, full: 10_000 })
      const senders = 100
      const orders = kit.channel([group])
      const instances = await connectMany(kit, 4)
      const runs = kit.record<Item>(group)
      const receiver = await kit.connect()
      await receiver.consume(orders, { group, retry: once, concurrency: 100 }, runs.handler())
      const send = async (sender: number): Promise<readonly string[]> => {
        const messaging = instances[sender % instances.length] as Messaging
        const ids: string[] = []
        for (let n = sender; n < count; n += senders) {
          ids.push((await messaging.send(orders, item(n, { key: `sender ${sender}` }))).id)
        }
        return ids
      }
      const bySender = await Promise.all(Array.from({ length: senders }, (_, sender) => send(sender)))
      const ids = bySender.flat()
      equal(new Set(ids).size, count, 'ids')
      await runs.untilDone(ids, kit.timings.arriveMs + count * 10)
      await restsAt(kit, { channel: orders.name, group }, { ready: 0, unsettled: 0 })
      runs.expectOnce(ids)
      const numbers = new Set(runs.done.map(({ data }) => data.n))
      equal(numbers.size, count, 'each item, and not one of them twice under two ids')
    },
  },
]

function connectMany(kit: Kit, count: number): Promise<readonly Messaging[]> {
  return Promise.all(Array.from({ length: count }, () => kit.connect()))
}
