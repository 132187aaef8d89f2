import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Messaging } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemIn, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { watchSends } from '../../wrapped-driver.ts'
import { ordered, refusesOrder, untilEmpty } from '../rty/letters.ts'
import { expectOneAtATime, expectOrder, group, sendSlowly } from './keys.ts'

/** Order where members, connections and brokers come and go. */
export const disturbed: readonly Behaviour[] = [
  {
    id: 'ORD-05',
    tags: ['long'],
    needs: { faults: ['cut'], capability: ordered },
    deadlineMs: 120_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 1_200, full: 20_000 })
      const orders = kit.channel([group], { ordering: 'key' })
      const runs = kit.record<Item>(group)
      const link = await kit.link()
      const join = async (name: string, messaging: Messaging) => {
        const uneven = runs.handler(({ n }) => kit.sleep(1 + (n % 4)), name)
        await messaging.consume(orders, { group, concurrency: 8 }, uneven)
        return messaging
      }
      const isShared = kit.capabilities.membersPerGroup >= 3
      const sender = await kit.connect()
      await sender.producer(orders)
      const leaving = await join('leaving', await kit.connect())
      const sending = sendSlowly(kit, sender, orders, items(count, { keys: 15 }), { pieces: 24, everyMs: 60 })
      const runsBy = (share: number) => runs.untilRuns(Math.floor(count * share), kit.timings.arriveMs + 30_000)
      await runsBy(0.1)
      if (isShared) await join('staying', await kit.connect())
      await runsBy(0.25)
      await kit.within('leaving', leaving.close())
      await join('killed', await kit.connect({ link }))
      await runsBy(0.5)
      await link.sever()
      await join('late', await kit.connect())
      const ids = await sending
      await runs.untilDone(ids, kit.timings.arriveMs + kit.timings.leaseMs + 60_000)
      await untilEmpty(kit, { channel: orders.name, group })
      const twice = runs.expectAll(ids)
      kit.log.note(`${twice} of ${count} came twice`)
      expectOrder(runs)
      const living = Object.assign(kit.record<Item>('living'), {
        runs: runs.runs.filter(({ member }) => member !== 'killed'),
      })
      expectOneAtATime(living)
      if (kit.capabilities.settlement === 'individual') {
        const doneBy = (id: string): string[] => runs.of(id).map(({ member }) => member)
        const strays = ids.filter((id) => doneBy(id).length > 1 && !doneBy(id).includes('killed'))
        equal(strays.length, 0, `only what the killed one had comes twice, not ${strays.map(doneBy).join('; ')}`)
      }
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-06',
    needs: { faults: ['cut'], capability: ordered },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const link = await kit.link()
      const sender = await kit.connect({ link })
      await sender.producer(orders)
      const data = items(1_200, { keys: 8 })
      const sends: Promise<string>[] = []
      for (let at = 0; at < data.length; at += 300) {
        let confirmed = 0
        for (const each of data.slice(at, at + 300)) {
          const sending = sender.send(orders, each).then(({ id }) => id)
          sends.push(sending)
          void sending.then(() => confirmed++)
        }
        if (at === 900) break
        await kit.eventually('some are confirmed', () => confirmed > 0)
        await link.cut()
      }
      const ids = await kit.within('all sends', Promise.all(sends), kit.timings.recoverMs + kit.timings.arriveMs)
      const found = await kit.probe.extract({ channel: orders.name, group })
      deepEqual([...new Set(found.map(({ attributes }) => attributes.id))].sort(), [...ids].sort())
      kit.log.note(`${found.length - ids.length} were stored twice`)
      const firsts = new Map(found.toReversed().map((message) => [message.attributes.id, itemIn(message.body)]))
      const inOrder = [...firsts.values()].reverse()
      for (let key = 0; key < 8; key++) {
        const numbers = inOrder.filter((each) => each.key === `k${key}`).map(({ n }) => n)
        equal(numbers.length, 150)
        deepEqual(
          numbers,
          [...numbers].sort((a, b) => a - b),
          `the order of k${key} at the broker`,
        )
      }
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-06',
    part: 'of sends that fail before later ones',
    needs: { faults: ['cut'], capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const link = await kit.link()
      const gate = kit.gate()
      const sender = await kit.connect({ link, wrap: watchSends(() => gate.opened) })
      await sender.producer(orders)
      const sends = items(600, { keys: 4 }).map((each) => sender.send(orders, each))
      await kit.sleep(kit.timings.quietMs)
      await link.cut()
      gate.open()
      await kit.within('all sends', Promise.all(sends), kit.timings.recoverMs + kit.timings.arriveMs)
      const found = (await kit.probe.extract({ channel: orders.name, group })).map(({ body }) => itemIn(body))
      for (let key = 0; key < 4; key++) {
        const numbers = [...new Set(found.filter((each) => each.key === `k${key}`).map(({ n }) => n))]
        equal(numbers.length, 150)
        deepEqual(
          numbers,
          [...numbers].sort((a, b) => a - b),
          `the order of k${key} at the broker`,
        )
      }
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-07',
    needs: { capability: ordered },
    run: (kit) => inTwoParts(kit, async () => {}),
    refusal: refusesOrder,
  },
  {
    id: 'ORD-07',
    part: 'of the broker',
    needs: { faults: ['restart'], capability: ordered },
    deadlineMs: 120_000,
    run: (kit) => inTwoParts(kit, () => kit.faults.restart()),
    refusal: refusesOrder,
  },
]

const keys = ['k', 'k0', 'k1', 'k2', 'k3', 'ä ✓', '𝄞', '0', '00', 'a/b', 'A', 'a', 'x'.repeat(200), 'tab', 'k0 ', ' k0']

/** One process sends a part, another the rest: of each key in the same place, so in order. */
async function inTwoParts(kit: Kit, between: () => Promise<void>): Promise<void> {
  const orders = kit.channel([group, 'audit'], { ordering: 'key' })
  const part = (from: number): Item[] =>
    Array.from({ length: 10 }, (_, index) => keys.map((key) => item(from + index, { key }))).flat()
  const first = await kit.connect()
  await sendItems(first, orders, part(0))
  await first.close()
  await between()
  const second = await kit.eventually('a second process', () => kit.connect(), kit.timings.recoverMs)
  await sendItems(second, orders, part(10))
  const total = keys.length * 20
  const found = await kit.eventually(
    'all that was sent',
    async () => {
      const messages = await kit.probe.depth({ channel: orders.name, group: 'audit' })
      return messages === total
    },
    kit.timings.recoverMs,
  )
  ok(found)
  const stored = (await kit.probe.extract({ channel: orders.name, group: 'audit' })).map(({ body }) => itemIn(body))
  const runs = kit.record<Item>(group)
  const uneven = runs.handler(({ n }) => kit.sleep(n % 3))
  await second.consume(orders, { group, concurrency: 16 }, uneven)
  await runs.untilRuns(total, kit.timings.arriveMs + 5_000)
  await untilEmpty(kit, { channel: orders.name, group })
  for (const key of keys) {
    const numbers = stored.filter((each) => each.key === key).map(({ n }) => n)
    deepEqual(
      numbers,
      Array.from({ length: 20 }, (_, n) => n),
      `the order of ${JSON.stringify(key)} at the broker`,
    )
  }
  equal(runs.done.length, total)
  expectOrder(runs)
  expectOneAtATime(runs)
}
