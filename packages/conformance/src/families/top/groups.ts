import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { item, items, sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { expectOneMember, severalMembers } from './members.ts'

const group = 'billing'

/** Every group gets every message; the members of one share it. */
export const groups: readonly Behaviour[] = [
  {
    id: 'TOP-02',
    async run(kit) {
      const names = ['billing', 'shipping', 'audit'] as const
      const orders = kit.channel(names)
      const sender = await kit.connect()
      const records: DeliveryRecord<Item>[] = []
      for (const name of names) {
        const runs = kit.record<Item>(name)
        records.push(runs)
        await (await kit.connect()).consume(orders, { group: name }, runs.handler())
      }
      const ids = await sendItems(sender, orders, items(200))
      for (const runs of records) await runs.untilDone(ids)
      await kit.quiet('no group gets more', {
        watch: () => records.map(({ runs }) => runs.length),
        control: async () => {
          await sender.send(orders, item(200))
          for (const runs of records) await runs.untilRuns(201)
        },
      })
      for (const runs of records) {
        equal(runs.runs.length, 201)
        equal(new Set(runs.runs.map(({ id }) => id)).size, 201, `${runs.name}: each once`)
        ok(ids.every((id) => runs.of(id).length === 1))
      }
    },
  },
  {
    id: 'TOP-03',
    needs: { capability: severalMembers },
    async run(kit) {
      const orders = kit.channel([group])
      const runs = kit.record<Item>(group)
      await members(kit, orders, runs)
      const ids = await sendItems(await kit.connect(), orders, items(300))
      await runs.untilDone(ids)
      await kit.quiet('no message comes to a second member', {
        watch: () => runs.runs.length,
        control: async () => {
          const { id } = await (await kit.connect()).send(orders, item(300))
          await runs.untilDone([id])
        },
      })
      equal(runs.runs.length, 301)
      equal(runs.tally(ids).lost.length, 0)
      deepEqual(runs.tally(ids).duplicated, [])
    },
    refusal: expectOneMember,
  },
  {
    id: 'TOP-04',
    needs: { capability: severalMembers },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      await members(kit, orders, runs)
      const ids = await sendItems(await kit.connect(), orders, items(300))
      await runs.untilDone(ids, kit.timings.arriveMs + 5_000)
      const shares = ['1', '2', '3'].map((member) => runs.runs.filter((run) => run.member === member).length)
      ok(Math.min(...shares) >= 30, `each member handles a tenth at least: ${shares}`)
      runs.expectOnce(ids)
    },
    refusal: expectOneMember,
  },
  {
    id: 'TOP-06',
    async run(kit) {
      const names = ['billing', 'shipping'] as const
      const orders = kit.channel(names)
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(100))
      await sender.close()
      for (const name of names) {
        const late = await kit.connect()
        const runs = kit.record<Item>(name)
        await late.consume(orders, { group: name }, runs.handler())
        await runs.untilDone(ids)
        runs.expectOnce(ids)
        await late.close()
      }
      for (const name of names) equal(await kit.probe.depth({ channel: orders.name, group: name }), 0)
    },
  },
]

/** Three members of one group, each with a connection of its own and four handlers of 10 ms at a time. */
async function members(kit: Kit, orders: ItemChannel<typeof group>, runs: DeliveryRecord<Item>): Promise<void> {
  for (const member of ['1', '2', '3']) {
    const messaging = await kit.connect()
    await messaging.consume(
      orders,
      { group, concurrency: 4 },
      runs.handler(async () => kit.sleep(10), member),
    )
  }
}
