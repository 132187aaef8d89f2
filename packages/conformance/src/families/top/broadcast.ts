import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour, CapabilityNeed } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'

const temporary: CapabilityNeed = { name: 'temporary', declared: (capabilities) => capabilities.temporary !== 'none' }

/** A group that lives with its consumer: a copy for each instance, and nothing left of it. */
export const broadcast: readonly Behaviour[] = [
  {
    id: 'TOP-05',
    needs: { capability: temporary },
    async run(kit) {
      const prices = kit.channel(['audit'])
      const sender = await kit.connect()
      await sender.producer(prices)
      const before = await kit.probe.entities(kit.nonce)
      const listeners = []
      for (const name of ['one', 'two', 'three']) {
        const messaging = await kit.connect()
        const runs = kit.record<Item>(name)
        await messaging.consumeBroadcast(prices, { onGap: () => {} }, runs.handler())
        listeners.push({ messaging, runs })
      }
      const ids = await sendItems(sender, prices, items(100))
      for (const { runs } of listeners) await runs.untilDone(ids)
      for (const { runs } of listeners) runs.expectOnce(ids)
      for (const { messaging } of listeners) await messaging.close()
      const isAsBefore = async (): Promise<boolean> => sameNames(await kit.probe.entities(kit.nonce), before)
      await kit.eventually(`only ${before} left`, isAsBefore)
      await sendItems(sender, prices, items(10))
      equal(await kit.probe.depth({ channel: prices.name, group: 'audit' }), 110, 'the declared group has all')
    },
    refusal: expectNoBroadcast,
  },
  {
    id: 'TOP-05',
    part: 'after a crash',
    needs: { capability: temporary, faults: ['cut'] },
    async run(kit) {
      const prices = kit.channel(['audit'])
      const sender = await kit.connect()
      await sender.producer(prices)
      const before = await kit.probe.entities(kit.nonce)
      const link = await kit.link()
      const messaging = await kit.connect({ link })
      const runs = kit.record<Item>('one')
      await messaging.consumeBroadcast(prices, { onGap: () => {} }, runs.handler())
      const isAsBefore = async (): Promise<boolean> => sameNames(await kit.probe.entities(kit.nonce), before)
      await link.sever()
      const noticedMs = kit.timings.leaseMs + kit.timings.arriveMs
      if (kit.capabilities.temporary === 'broker') await kit.eventually('the broker removes it', isAsBefore, noticedMs)
      await link.restore()
      const arrives = async (): Promise<boolean> => {
        const { id } = await sender.send(prices, item())
        return kit.eventually('one more', () => runs.of(id).length > 0, kit.timings.arriveMs)
      }
      await kit.eventually('messages again', arrives, kit.timings.recoverMs)
      await messaging.close()
      await kit.eventually(`only ${before} left`, isAsBefore)
    },
    refusal: expectNoBroadcast,
  },
  {
    id: 'TOP-14',
    needs: { capability: temporary, faults: ['cut'] },
    async run(kit) {
      const prices = kit.channel([])
      const sender = await kit.connect()
      const link = await kit.link()
      const messaging = await kit.connect({ link })
      const runs = kit.record<Item>('one')
      const story: string[] = []
      const noting = runs.handler(async (_, { message }) => void story.push(message.id))
      await messaging.consumeBroadcast(prices, { onGap: () => story.push('gap') }, noting)
      const ids = await sendItems(sender, prices, items(100))
      await runs.untilDone(ids)
      await kit.sleep(kit.timings.quietMs)
      deepEqual([...story].sort(), [...ids].sort(), 'no gap without a lost connection')
      await link.sever()
      await kit.eventually('the gap is noticed', () => story.includes('gap'), kit.timings.recoverMs)
      const missed = await sendItems(sender, prices, items(10))
      await link.restore()
      const probes: string[] = []
      const arrives = async (): Promise<boolean> => {
        const [id = ''] = await sendItems(sender, prices, items(1))
        probes.push(id)
        return kit.eventually('one more', () => runs.of(id).length > 0, 500)
      }
      await kit.eventually('messages again', arrives, kit.timings.recoverMs)
      const [first = ''] = story.filter((each) => probes.includes(each))
      const away = story.slice(100, story.indexOf(first))
      deepEqual(new Set(away), new Set(['gap']), 'between the two subscriptions, nothing but gaps')
      equal(away.length, 2, 'one when messages begin to be missed, one when that is over, before the first message')
      deepEqual(
        missed.flatMap((id) => runs.of(id)),
        [],
        'what was sent meanwhile is missed',
      )
      const more = await sendItems(sender, prices, items(100))
      await runs.untilDone(more)
      equal(story.filter((each) => each === 'gap').length, 2, 'and none after')
      ok([...ids, ...more].every((id) => runs.of(id).length === 1))
    },
    refusal: expectNoBroadcast,
  },
  {
    id: 'TOP-14',
    part: 'caughtUp',
    needs: {
      capability: {
        name: 'inspect.ready',
        declared: ({ inspect, temporary }) => inspect.includes('ready') && temporary !== 'none',
      },
    },
    async run(kit) {
      const prices = kit.channel([])
      const sender = await kit.connect()
      const messaging = await kit.connect()
      const runs = kit.record<Item>('one')
      const slow = runs.handler(async ({ n }) => (n % 10 === 0 ? kit.sleep(5) : undefined))
      const consumer = await messaging.consumeBroadcast(prices, { onGap: () => {}, concurrency: 4 }, slow)
      await kit.within('caught up with nothing', consumer.caughtUp())
      for (let round = 0; round < 40; round++) {
        const ids = await sendItems(sender, prices, items(round % 2 === 0 ? 150 : 1))
        await kit.within('caught up', consumer.caughtUp())
        deepEqual(runs.tally(ids).lost, [], `round ${round}: handled when caughtUp resolves`)
      }
      equal(runs.runs.length, 20 * 151)
    },
    async refusal(kit) {
      if (kit.capabilities.temporary === 'none') return expectNoBroadcast(kit)
      const messaging = await kit.connect()
      const consumer = await messaging.consumeBroadcast(kit.channel([]), { onGap: () => {} }, async () => {})
      await kit.expectUnsupported(consumer.caughtUp())
    },
  },
  {
    id: 'TOP-14',
    part: 'a copy from the beginning',
    needs: {
      capability: {
        name: 'replay',
        declared: ({ replay, temporary }) => replay.includes('oldest') && temporary !== 'none',
      },
      faults: ['cut'],
    },
    async run(kit) {
      const prices = kit.channel([])
      const sender = await kit.connect()
      const ids = await sendItems(sender, prices, items(50, { keys: 5 }))
      const link = await kit.link()
      const messaging = await kit.connect({ link })
      const copy = new Set<string>()
      let gaps = 0
      const onGap = (): void => {
        gaps++
        copy.clear()
      }
      const keep = async (_: Item, { message }: { message: { id: string } }): Promise<void> => void copy.add(message.id)
      const consumer = await messaging.consumeBroadcast(prices, { startFrom: 'beginning', onGap }, keep)
      if (kit.capabilities.inspect.includes('ready')) await kit.within('caught up', consumer.caughtUp())
      await kit.eventually('all that there was', () => copy.size === ids.length)
      equal(gaps, 0, 'no gap at the start')
      await link.sever()
      await kit.eventually('the gap is noticed', () => gaps > 0, kit.timings.recoverMs)
      deepEqual([...copy], [], 'the copy is thrown away')
      const all = [...ids, ...(await sendItems(sender, prices, items(10, { keys: 5 })))]
      await link.restore()
      await kit.eventually('all of it again', () => copy.size >= all.length, kit.timings.recoverMs)
      deepEqual([...copy].sort(), [...all].sort(), 'what was there, and what came meanwhile')
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const options = { startFrom: 'beginning', onGap: () => {} } as const
      await kit.expectUnsupported(messaging.consumeBroadcast(kit.channel([]), options, async () => {}))
    },
  },
]

async function expectNoBroadcast(kit: Kit): Promise<void> {
  const messaging = await kit.connect()
  await kit.expectUnsupported(messaging.consumeBroadcast(kit.channel([]), { onGap: () => {} }, async () => {}))
}

function sameNames(found: readonly string[], expected: readonly string[]): boolean {
  return JSON.stringify([...found].sort()) === JSON.stringify([...expected].sort())
}
