import { deepEqual, equal, ok } from 'node:assert/strict'
import { deadLetter, type Messaging, type StartFrom } from '@waybill/core'
import type { Behaviour, CapabilityNeed } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { items, sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'

const group = 'billing'
const late = 'late'
const somePosition = { positions: ['somewhere@0'] }

const oldest: CapabilityNeed = { name: 'replay', declared: ({ replay }) => replay.includes('oldest') }
const time: CapabilityNeed = { name: 'replay.time', declared: ({ replay }) => replay.includes('time') }
const position: CapabilityNeed = { name: 'replay.position', declared: ({ replay }) => replay.includes('position') }

/** A group that comes late and starts before now; once it has begun it goes on where it was. */
export const replay: readonly Behaviour[] = [
  {
    id: 'TOP-13',
    needs: { capability: oldest },
    async run(kit) {
      const { orders, messaging, ids } = await handled(kit, 50)
      const runs = await consumeLate(kit, messaging, orders, 'beginning')
      const more = await sendItems(messaging, orders, items(5))
      await runs.untilDone([...ids, ...more])
      runs.expectOnce([...ids, ...more])
    },
    refusal: (kit) => expectRefusal(kit, 'beginning'),
  },
  {
    id: 'TOP-13',
    part: 'from a time',
    needs: { capability: time },
    async run(kit) {
      const { orders, messaging } = await handled(kit, 50)
      await kit.sleep(kit.timings.quietMs)
      const start = new Date()
      await kit.sleep(kit.timings.quietMs)
      const wanted = await sendItems(messaging, orders, items(20, { keys: 5 }))
      const runs = await consumeLate(kit, messaging, orders, { time: start })
      const more = await sendItems(messaging, orders, items(5))
      await runs.untilDone([...wanted, ...more])
      runs.expectOnce([...wanted, ...more])
    },
    refusal: (kit) => expectRefusal(kit, { time: new Date() }),
  },
  {
    id: 'TOP-13',
    part: 'from a position',
    needs: { capability: position },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const early = kit.record<Item>(group)
      const failing = early.handler(async ({ n }) => (n === 20 ? deadLetter('planted') : undefined))
      await messaging.consume(orders, { group }, failing)
      const ids = await sendItems(messaging, orders, items(50))
      await early.untilRuns(50)
      const letters = messaging.deadLetters(orders, group)
      const letter = await kit.eventually('the dead letter', () => letters.get(ids[20]!))
      const { position: at } = letter.failure ?? {}
      ok(at !== undefined, 'the failure record says where it was')
      const runs = await consumeLate(kit, messaging, orders, { positions: [at] })
      await runs.untilDone(ids.slice(20))
      runs.expectOnce(ids.slice(20))
      deepEqual(runs.runs.map(({ data }) => data.n).slice(0, 3), [20, 21, 22], 'from that message on, in order')
      const options = { group: 'elsewhere', startFrom: somePosition } as const
      const odd = messaging.consume(orders.withGroups('elsewhere'), options, async () => {})
      await kit.expectRejection('invalidArgument', odd)
    },
    refusal: (kit) => expectRefusal(kit, somePosition),
  },
  {
    id: 'TOP-13',
    part: 'once',
    needs: { capability: oldest },
    async run(kit) {
      const { orders, messaging, ids } = await handled(kit, 30)
      const first = await kit.connect()
      const begun = await consumeLate(kit, first, orders, 'beginning')
      await begun.untilDone(ids)
      await first.close()
      const more = await sendItems(messaging, orders, items(5, { keys: 5 }))
      const again = await consumeLate(kit, await kit.connect(), orders, 'beginning')
      await again.untilDone(more)
      again.expectOnce(more)
      const fresh = orders.withGroups('fresh')
      const now = await kit.connect()
      await now.consume(fresh, { group: 'fresh' }, async () => {})
      await now.close()
      const runs = kit.record<Item>('fresh')
      const options = { group: 'fresh', startFrom: 'beginning' } as const
      await (await kit.connect()).consume(fresh, options, runs.handler())
      const last = await sendItems(messaging, orders, items(5, { keys: 5 }))
      await runs.untilDone(last)
      runs.expectOnce(last)
      equal(runs.runs.length, last.length, 'a group that had begun and took nothing is not replayed into either')
    },
    refusal: (kit) => expectRefusal(kit, 'beginning'),
  },
]

/** A channel whose first group has handled `count` messages of some keys. */
async function handled(kit: Kit, count: number) {
  const orders = kit.channel([group])
  const messaging = await kit.connect()
  const early = kit.record<Item>(group)
  await messaging.consume(orders, { group }, early.handler())
  const ids = await sendItems(messaging, orders, items(count, { keys: 5 }))
  await early.untilDone(ids)
  return { orders, messaging, ids }
}

async function consumeLate(
  kit: Kit,
  messaging: Messaging,
  orders: ItemChannel<typeof group>,
  startFrom: StartFrom,
): Promise<DeliveryRecord<Item>> {
  const runs = kit.record<Item>(late)
  await messaging.consume(orders.withGroups(late), { group: late, startFrom }, runs.handler())
  return runs
}

async function expectRefusal(kit: Kit, startFrom: StartFrom): Promise<void> {
  const messaging = await kit.connect()
  await kit.expectUnsupported(messaging.consume(kit.channel([group]), { group, startFrom }, async () => {}))
}
