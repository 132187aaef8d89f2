import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import { allAttemptsMs, idOf, ordered, refusesOrder, untilDeadLetters, untilEmpty } from '../rty/letters.ts'
import { expectOneAtATime, expectOrder, group, members } from './keys.ts'

/** Messages of one key run one after the other; messages of others do not wait for them. */
export const serial: readonly Behaviour[] = [
  {
    id: 'ORD-01',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const uneven = runs.handler(({ n }) => kit.sleep((n * 7) % 5))
      await messaging.consume(orders, { group, concurrency: 16 }, uneven)
      const ids = await sendItems(messaging, orders, items(800, { keys: 32 }))
      await runs.untilDone(ids, kit.timings.arriveMs + 10_000)
      runs.expectOnce(ids)
      expectOrder(runs)
      expectOneAtATime(runs)
      const most = runs.maxConcurrent()
      ok(most > 4 && most <= 16, `${most} keys at a time`)
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-02',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const all = await members(kit, 4)
      const runs = kit.record<Item>(group)
      for (const [index, member] of all.entries()) {
        const uneven = runs.handler(({ n }) => kit.sleep(5 + ((n * 7) % 11)), `${index}`)
        await member.consume(orders, { group, concurrency: 8 }, uneven)
      }
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(600, { keys: 24 }))
      await runs.untilDone(ids, kit.timings.arriveMs + kit.timings.leaseMs + 10_000)
      expectOneAtATime(runs)
      expectOrder(runs)
      runs.expectOnce(ids)
      const took = new Set(runs.runs.map(({ member }) => member)).size
      ok(took >= Math.min(2, all.length), `${took} of ${all.length} members took part`)
      ok(runs.maxConcurrent() > 4, 'keys do run side by side')
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-02',
    part: 'a member joins while all keys run',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const [first, second] = await members(kit, 2)
      const sender = await kit.connect()
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const keys = 16
      const held = runs.handler(({ n }) => (n < keys ? gate.opened : Promise.resolve()))
      await first?.consume(orders, { group, concurrency: keys }, held)
      const data = items(6 * keys, { keys })
      const ids = [...(await sendItems(sender, orders, data.slice(0, keys)))]
      await runs.untilRuns(keys)
      ids.push(...(await sendItems(sender, orders, data.slice(keys))))
      await second?.consume(orders, { group, concurrency: keys }, held)
      // The time in which a broker shares the keys out anew, before those who have them are done.
      await kit.sleep(kit.timings.quietMs + 2 * kit.timings.heartbeatMs)
      gate.open()
      await runs.untilDone(ids, kit.timings.arriveMs + kit.timings.leaseMs + 10_000)
      expectOneAtATime(runs)
      expectOrder(runs)
      runs.expectOnce(ids)
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-03',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const blocking = runs.handler(({ key }) => (key === 'k0' ? gate.opened : Promise.resolve()))
      await messaging.consume(orders, { group, concurrency: 8 }, blocking)
      // A window that is shared: what of it the blocked key may take must leave room for others.
      const held = kit.capabilities.blockedKeyHolds === 'key' ? 200 : 12
      const blocked = items(held)
      const others = items(160, { keys: 16 }).filter(({ key }) => key !== 'k0')
      const heldIds = await sendItems(messaging, orders, blocked)
      const otherIds = await sendItems(messaging, orders, others)
      await runs.untilDone(otherIds, kit.timings.arriveMs + 5_000)
      deepEqual(
        runs.runs.filter(({ data }) => data.key === 'k0').map(({ data, outcome }) => [data.n, outcome]),
        [[0, 'running']],
        'of the blocked key only its first runs',
      )
      gate.open()
      await runs.untilDone(heldIds, kit.timings.arriveMs + 5_000)
      runs.expectOnce([...heldIds, ...otherIds])
      expectOrder(runs)
      expectOneAtATime(runs)
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-04',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 3, delaysMs: [20, 40] }
      const isHopeless = ({ n }: Item): boolean => n % 25 === 13
      const failing = runs.handler(async (item, { attempt }) => {
        if (isHopeless(item) || (item.n % 5 === 2 && attempt < 3)) throw new Error('planted')
      })
      await messaging.consume(orders, { group, concurrency: 16, retry }, failing)
      const data = items(200, { keys: 8 })
      const ids = await sendItems(messaging, orders, data)
      const hopeless = ids.filter((_, index) => isHopeless(data[index] as Item))
      const patienceMs = allAttemptsMs(kit, retry) + 10_000
      await runs.untilDone(
        ids.filter((id) => !hopeless.includes(id)),
        patienceMs,
      )
      const letters = await untilDeadLetters(kit, { channel: orders.name, group }, hopeless.length, patienceMs)
      deepEqual(letters.map(idOf).sort(), [...hopeless].sort())
      for (const key of new Set(data.map((item) => item.key))) {
        const found = runs.runs.filter((run) => run.data.key === key).map(({ data: { n }, attempt }) => [n, attempt])
        const expected = data
          .filter((item) => item.key === key)
          .flatMap((item) => Array.from({ length: runsOf(item) }, (_, index) => [item.n, index + 1]))
        deepEqual(found, expected, `the runs of ${key}: nothing passes a message that is retried`)
      }
      expectOneAtATime(runs)
      await untilEmpty(kit, { channel: orders.name, group })
      equal(runs.done.length, ids.length - hopeless.length)

      function runsOf(item: Item): number {
        return isHopeless(item) || item.n % 5 === 2 ? 3 : 1
      }
    },
    refusal: refusesOrder,
  },
  {
    id: 'ORD-08',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const all = await members(kit, 2)
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const wait = runs.handler(() => gate.opened)
      for (const member of all) await member.consume(orders, { group, concurrency: 8 }, wait)
      const body = new TextEncoder().encode(JSON.stringify({ n: 0, key: 'not on the wire' }))
      for (let n = 0; n < 12; n++) {
        await kit.probe.inject(
          { channel: orders.name },
          { attributes: { id: `keyless-${n}`, source: '/theirs' }, body },
        )
      }
      await kit.eventually('several without a key run at a time', () => runs.maxConcurrent() >= 4)
      gate.open()
      const ids = Array.from({ length: 12 }, (_, n) => `keyless-${n}`)
      await runs.untilDone(ids)
      runs.expectOnce(ids)
      deepEqual([...new Set(runs.runs.map(({ message }) => message.key))], [undefined])
    },
    refusal: refusesOrder,
  },
]
