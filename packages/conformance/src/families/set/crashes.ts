import { deepEqual, equal, ok } from 'node:assert/strict'
import { MessagingError } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { overCounts } from './retry-times.ts'
import { expectOneMember, severalMembers } from '../top/members.ts'

const group = 'billing'

/** A consumer that dies, or is taken for dead, has taken nothing with it. */
export const crashes: readonly Behaviour[] = [
  {
    id: 'SET-08',
    needs: { faults: ['cut'] },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const gate = kit.gate()
      const link = await kit.link()
      const dying = kit.record<Item>('dying')
      const crashed = await kit.connect({ link })
      const hanging = dying.handler(() => gate.opened)
      await crashed.consume(orders, { group, concurrency: 10 }, hanging)
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(10))
      await dying.untilRuns(10)
      // Whoever settles while the handler runs has the time to do so.
      await kit.sleep(kit.timings.quietMs)
      await link.sever()
      const heir = kit.record<Item>('heir')
      await sender.consume(orders, { group }, heir.handler())
      const severedAt = monotonicMs()
      await heir.untilDone(ids, kit.timings.leaseMs + kit.timings.arriveMs)
      gate.open()
      ok(heir.runs.every(({ startedAt }) => startedAt <= severedAt + kit.timings.leaseMs + kit.timings.arriveMs))
      heir.expectOnce(ids)
      if (!overCounts(kit.capabilities)) deepEqual(new Set(heir.runs.map(({ attempt }) => attempt)), new Set([1]))
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [])
    },
  },
  {
    id: 'SET-09',
    tags: ['long'],
    needs: { faults: ['cut'] },
    deadlineMs: 120_000,
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const rounds = kit.size('crashes', { reduced: 22, full: 60 })
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(20))
      for (let round = 0; round < rounds; round++) await dieWith(kit, orders, 20)
      const heir = kit.record<Item>('heir')
      await sender.consume(orders, { group }, heir.handler())
      await heir.untilDone(ids, kit.timings.leaseMs + kit.timings.arriveMs)
      heir.expectOnce(ids)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'none of them ever failed')
    },
  },
  {
    id: 'SET-11',
    needs: { capability: severalMembers, faults: ['cut'] },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const gate = kit.gate()
      const link = await kit.link()
      const events: string[] = []
      const losing = kit.record<Item>('losing')
      const reasons: unknown[] = []
      const late = losing.handler(async (_, { signal }) => {
        signal.addEventListener('abort', () => reasons.push(signal.reason), { once: true })
        await gate.opened
      })
      const cut = await kit.connect({ link, onEvent: ({ type }) => events.push(type) })
      await cut.consume(orders, { group, concurrency: 5 }, late)
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(5))
      await losing.untilRuns(5)
      await link.sever()
      await kit.eventually('all five are told', () => reasons.length === 5, kit.timings.recoverMs)
      for (const reason of reasons) equal(MessagingError.is(reason) && reason.code, 'leaseLost')
      equal(events.filter((type) => type === 'leaseLost').length, 5)
      const heirGate = kit.gate()
      const heir = kit.record<Item>('heir')
      // Full with five, so that a sixth is for the one that is back; of a log some parts may still be on the move to it.
      const isLog = kit.capabilities.settlement === 'cumulative'
      await sender.consume(
        orders,
        { group, concurrency: isLog ? 20 : 5 },
        heir.handler(() => heirGate.opened),
      )
      await heir.untilRuns(5, kit.timings.leaseMs + kit.timings.arriveMs)
      gate.open()
      await losing.untilDone(ids)
      await link.restore()
      await kit.eventually('connected again', () => cut.health().status === 'up', kit.timings.recoverMs)
      const at = { channel: orders.name, group }
      await kit.eventually('the heir holds all five', async () => (await kit.probe.unsettled(at)) === 5)
      await kit.quiet('the late settlements settle nothing', {
        watch: () => [heir.runs.length, losing.runs.length],
        async control() {
          await sendItems(sender, orders, items(isLog ? 20 : 6).slice(5))
          await kit.eventually('the sixth', () => heir.runs.length + losing.runs.length > 10)
        },
      })
      equal(await kit.probe.depth(at), 0)
      heirGate.open()
      await heir.untilDone(ids)
      for (const id of ids) equal(heir.of(id).length, 1)
    },
    refusal: expectOneMember,
  },
  {
    id: 'SET-12',
    needs: { faults: ['cut'] },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const gate = kit.gate()
      const link = await kit.link()
      const first = kit.record<Item>('first')
      // However the broker shares them out in turns, what ends is behind something of its share that does not.
      const half = first.handler(({ n }) => (n < 10 ? gate.opened : Promise.resolve()))
      const crashed = await kit.connect({ link })
      await crashed.consume(orders, { group, concurrency: 20 }, half)
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(20))
      const unfinished = ids.slice(0, 10)
      await first.untilRuns(20)
      await first.untilDone(ids.slice(10))
      const at = { channel: orders.name, group }
      const individually = kit.capabilities.settlement === 'individual'
      if (individually) await kit.eventually('half are settled', async () => (await kit.probe.unsettled(at)) === 10)
      else await kit.sleep(kit.timings.quietMs)
      await link.sever()
      const heir = kit.record<Item>('heir')
      await sender.consume(orders, { group }, heir.handler())
      await heir.untilDone(unfinished, kit.timings.leaseMs + kit.timings.arriveMs)
      gate.open()
      deepEqual(heir.tally(ids).unexpected, [])
      if (individually) heir.expectOnce(unfinished)
      deepEqual(heir.tally(unfinished).duplicated, [])
    },
  },
]

/** Takes so many messages, and dies while it handles them. */
async function dieWith(kit: Kit, orders: ReturnType<typeof kit.channel>, count: number): Promise<void> {
  const link = await kit.link()
  const gate = kit.gate()
  const dying = kit.record<Item>('dying')
  const messaging = await kit.connect({ link })
  await messaging.consume(
    orders,
    { group, concurrency: count },
    dying.handler(() => gate.opened),
  )
  await dying.untilRuns(count, kit.timings.leaseMs + kit.timings.arriveMs)
  await link.sever()
  gate.open()
  await messaging.close({ drainMs: 0 })
}
