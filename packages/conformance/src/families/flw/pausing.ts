import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import { countUnsettled } from '../../wrapped-driver.ts'
import { once } from '../rdr/dead-messages.ts'
import { ordered, refusesOrder } from '../rty/letters.ts'
import { countsReleases, restsAt } from './at-rest.ts'

const group = 'billing'

/** A consumer that stops taking, and takes again. */
export const pausing: readonly Behaviour[] = [
  {
    id: 'FLW-06',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const messaging = await kit.connect()
      const gate = kit.gate()
      const runs = kit.record<Item>(group)
      const consumer = await messaging.consume(
        orders,
        { group, retry: once, concurrency: 4 },
        runs.handler(() => gate.opened),
      )
      const ids = [...(await sendItems(messaging, orders, items(20)))]
      await runs.untilRuns(4)
      consumer.pause()
      consumer.pause()
      equal(runs.runs.filter(({ outcome }) => outcome === 'running').length, 4, 'what runs, runs on')
      ok(runs.runs.length === 4)
      gate.open()
      await kit.eventually('the four are done', () => runs.done.length === 4)
      await restsAt(kit, at, { ready: 16, unsettled: 0 })
      ids.push((await messaging.send(orders, item(20))).id)
      await kit.quiet('nothing starts while paused', {
        watch: () => runs.runs.length,
        async control() {
          consumer.resume()
          consumer.resume()
          await runs.untilDone(ids)
        },
      })
      ids.push((await messaging.send(orders, item(21))).id)
      await runs.untilDone(ids)
      runs.expectOnce(ids)
      if (!countsReleases(kit))
        ok(
          runs.runs.every(({ attempt }) => attempt === 1),
          `a pause counts no attempt\n${runs}`,
        )
      await restsAt(kit, at, { ready: 0, unsettled: 0 })
    },
  },
  {
    id: 'FLW-06',
    part: 'another member takes over',
    needs: {
      capability: { name: 'membersPerGroup', declared: ({ membersPerGroup }) => membersPerGroup > 1 },
    },
    async run(kit) {
      const orders = kit.channel([group])
      const [pausing, other] = [await kit.connect(), await kit.connect()]
      const gate = kit.gate()
      const [held, others] = [kit.record<Item>('pausing'), kit.record<Item>('other')]
      const consumer = await pausing.consume(
        orders,
        { group, retry: once, concurrency: 2 },
        held.handler(() => gate.opened),
      )
      const ids = await sendItems(other, orders, items(30, { keys: 30 }))
      await held.untilRuns(2)
      consumer.pause()
      gate.open()
      await other.consume(orders, { group, retry: once }, others.handler())
      await others.untilRuns(28, kit.timings.arriveMs + kit.timings.leaseMs)
      const all = [...held.done, ...others.done].map(({ id }) => id)
      deepEqual(all.sort(), [...ids].sort(), 'each once, by one of them')
      await kit.within('close of a paused consumer', consumer.close(), kit.timings.toleranceMs + kit.timings.arriveMs)
    },
    async refusal(kit) {
      const orders = kit.channel([group])
      const [first, second] = [await kit.connect(), await kit.connect()]
      await first.consume(orders, { group, retry: once }, async () => {})
      await kit.expectUnsupported(second.consume(orders, { group, retry: once }, async () => {}))
    },
  },
  {
    id: 'FLW-06',
    part: 'resumed while what it had still runs',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const gate = kit.gate()
      const runs = kit.record<Item>(group)
      const consumer = await messaging.consume(
        orders,
        { group, retry: once, concurrency: 3 },
        runs.handler(() => gate.opened),
      )
      const ids = await sendItems(messaging, orders, items(60))
      await runs.untilRuns(3)
      for (let times = 0; times < 5; times++) {
        consumer.pause()
        consumer.resume()
      }
      await kit.quiet('no fourth beside the three that run', {
        watch: () => runs.runs.length,
        async control() {
          gate.open()
          await runs.untilDone(ids)
        },
      })
      runs.expectOnce(ids)
      equal(runs.maxConcurrent(), 3, 'handlers at one time')
    },
  },
  {
    id: 'FLW-06',
    part: 'in order',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const consumer = await messaging.consume(
        orders,
        { group, retry: once, concurrency: 4 },
        runs.handler(() => kit.sleep(2)),
      )
      const sent = sendItems(messaging, orders, items(120, { keys: 6 }))
      for (const count of [5, 30, 70]) {
        await runs.untilRuns(count)
        consumer.pause()
        const running = (): number => runs.runs.filter(({ outcome }) => outcome === 'running').length
        await kit.eventually('what runs ends', () => running() === 0)
        const paused = runs.runs.length
        await kit.sleep(kit.timings.quietMs)
        equal(runs.runs.length, paused, 'nothing starts while paused')
        consumer.resume()
      }
      const ids = await sent
      await runs.untilDone(ids)
      runs.expectOnce(ids)
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
  {
    id: 'FLW-06',
    part: 'in batches',
    async run(kit) {
      const orders = kit.channel([group])
      const taken = countUnsettled()
      const messaging = await kit.connect({ wrap: taken.wrap })
      const sizes: number[] = []
      const handler = async (messages: readonly unknown[]): Promise<void> => void sizes.push(messages.length)
      const options = { group, retry: once, maxSize: 5, maxWaitMs: 3_600_000 } as const
      const consumer = await messaging.consumeBatch(orders, options, handler)
      await sendItems(messaging, orders, items(3))
      await kit.eventually('three are collected', () => taken.now === 3)
      consumer.pause()
      await restsAt(kit, { channel: orders.name, group }, { ready: 3, unsettled: 0 })
      await kit.quiet('what was only collected goes back', {
        watch: () => [taken.now, sizes],
        async control() {
          consumer.resume()
          await sendItems(messaging, orders, items(2))
          await kit.eventually('a batch', () => sizes.length === 1)
        },
      })
      equal(taken.most <= 5, true, `${taken.most} were unsettled at one time`)
      deepEqual(sizes, [5])
    },
  },
  {
    id: 'FLW-06',
    part: 'a broadcast',
    needs: { capability: { name: 'temporary', declared: ({ temporary }) => temporary !== 'none' } },
    async run(kit) {
      const prices = kit.channel([])
      const [messaging, sender] = [await kit.connect(), await kit.connect()]
      const runs = kit.record<Item>('broadcast')
      let gaps = 0
      const onGap = (): void => void gaps++
      const consumer = await messaging.consumeBroadcast(prices, { onGap }, runs.handler())
      const subscribed = gaps
      const first = await sendItems(sender, prices, items(3))
      await runs.untilDone(first)
      consumer.pause()
      const held = await sendItems(sender, prices, items(200))
      await kit.quiet('nothing starts while paused', {
        watch: () => runs.runs.length,
        async control() {
          consumer.resume()
          await runs.untilDone(held)
        },
      })
      runs.expectOnce([...first, ...held])
      equal(gaps, subscribed, 'a pause misses nothing')
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      await kit.expectUnsupported(messaging.consumeBroadcast(kit.channel([]), { onGap: () => {} }, async () => {}))
    },
  },
  {
    id: 'FLW-06',
    part: 'through a lost connection',
    needs: { faults: ['cut'] },
    async run(kit) {
      const orders = kit.channel([group])
      const link = await kit.link()
      const connections: string[] = []
      const onEvent = ({ type }: { type: string }): void => void connections.push(type)
      const [messaging, sender] = [await kit.connect({ link, onEvent }), await kit.connect()]
      const runs = kit.record<Item>(group)
      const consumer = await messaging.consume(orders, { group, retry: once }, runs.handler())
      await runs.untilDone(await sendItems(sender, orders, items(1)))
      consumer.pause()
      const before = connections.filter((type) => type === 'connected').length
      await link.cut()
      const isBack = (): boolean => connections.filter((type) => type === 'connected').length > before
      await kit.eventually('connected again', isBack, kit.timings.recoverMs)
      const ids = await sendItems(sender, orders, items(10))
      await restsAt(kit, { channel: orders.name, group }, { ready: 10, unsettled: 0 })
      await kit.quiet('a paused consumer does not start by itself', {
        watch: () => runs.runs.length,
        async control() {
          consumer.resume()
          await runs.untilDone(ids)
        },
      })
      equal(runs.runs.length, 11)
    },
  },
]
