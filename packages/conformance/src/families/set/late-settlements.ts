import { deepEqual, equal, ok } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import { listenRaw } from './raw-listener.ts'

const group = 'billing'
const accept = { kind: 'accept' } as const

/** Settlements that did not reach the broker, or come when the message is somebody else's. */
export const lateSettlements: readonly Behaviour[] = [
  {
    id: 'SET-13',
    needs: { faults: ['cut'] },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const gate = kit.gate()
      const link = await kit.link()
      const events: MessagingEvent[] = []
      const losing = kit.record<Item>('losing')
      const cut = await kit.connect({ link, onEvent: (event) => events.push(event) })
      await cut.consume(
        orders,
        { group, concurrency: 5 },
        losing.handler(() => gate.opened),
      )
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(5))
      await losing.untilRuns(5)
      await link.sever()
      gate.open()
      await losing.untilDone(ids)
      const told = (): boolean => events.some(({ type, error }) => type === 'disconnected' && error instanceof Error)
      await kit.eventually('that they may not have been settled is told', told, kit.timings.recoverMs)
      const heir = kit.record<Item>('heir')
      await sender.consume(orders, { group }, heir.handler())
      await heir.untilDone(ids, kit.timings.leaseMs + kit.timings.arriveMs)
      heir.expectOnce(ids)
    },
  },
  {
    id: 'SET-13',
    part: 'refused by the broker',
    needs: { faults: ['refuseSettlements'] },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const faults: MessagingEvent[] = []
      const runs = kit.record<Item>(group)
      const messaging = await kit.connect({ onEvent: (event) => event.type === 'fault' && faults.push(event) })
      await kit.faults.refuseSettlements(3)
      await messaging.consume(orders, { group }, runs.handler())
      const ids = await sendItems(messaging, orders, items(10))
      await runs.untilDone(ids)
      await kit.eventually('what failed is told', () => faults.length > 0)
      for (const { error } of faults) ok(error instanceof Error)
      const again = kit.capabilities.settlement === 'individual' ? 3 : 0
      await runs.untilRuns(10 + again, kit.timings.leaseMs + kit.timings.arriveMs)
      await kit.quiet('no message comes oftener than that', {
        watch: () => runs.runs.length,
        control: () => sendItems(messaging, orders, items(1)).then(() => runs.untilRuns(11 + again)),
      })
      equal(runs.tally(ids).duplicated.length, again, 'redelivered, unless a later settlement covers it')
      if (again > 0) equal(faults.length, 3, 'one event each')
    },
  },
  {
    id: 'SET-15',
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const sender = await kit.connect()
      const former = await listenRaw(kit, orders)
      const ids = await sendItems(sender, orders, items(5))
      await kit.eventually('five deliveries', () => former.deliveries.length === 5)
      await former.connection.close()
      await expectHarmless(kit, orders, former, ids)
    },
  },
  {
    id: 'SET-15',
    part: 'lost',
    needs: { faults: ['cut'] },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const sender = await kit.connect()
      const link = await kit.link()
      const former = await listenRaw(kit, orders, { link })
      const ids = await sendItems(sender, orders, items(5))
      await kit.eventually('five deliveries', () => former.deliveries.length === 5)
      await link.cut()
      await kit.eventually('the loss is reported', () => former.events.some(({ kind }) => kind === 'lost'))
      await expectHarmless(kit, orders, former, ids)
    },
  },
]

/** What the former listener settles now is settled with nobody: its successor keeps all it has. */
async function expectHarmless(
  kit: Parameters<typeof listenRaw>[0],
  orders: Parameters<typeof listenRaw>[1],
  former: Awaited<ReturnType<typeof listenRaw>>,
  ids: readonly string[],
): Promise<void> {
  const at = { channel: orders.name, group }
  const present = await listenRaw(kit, orders)
  const waitMs = kit.timings.leaseMs + kit.timings.arriveMs
  await kit.eventually('all five again', () => present.deliveries.length === 5, waitMs)
  for (const { delivery } of former.deliveries) equal(delivery.lease.state, 'lost')
  for (const { settle } of former.deliveries) settle(accept)
  await kit.eventually('five are unsettled', async () => (await kit.probe.unsettled(at)) === 5)
  await kit.quiet('the late settlements touch nothing', {
    watch: () => present.deliveries.length,
    async control() {
      await sendItems(await kit.connect(), orders, items(1))
      await kit.eventually('the sixth', () => present.deliveries.length === 6)
    },
  })
  equal(await kit.eventually('six unsettled', async () => (await kit.probe.unsettled(at)) === 6), true)
  deepEqual(
    present.deliveries
      .slice(0, 5)
      .map(({ id }) => id)
      .sort(),
    [...ids].sort(),
  )
  const draining = present.listener.drain()
  for (const { settle } of present.deliveries) settle(accept)
  await kit.within('the drain', draining)
  await kit.eventually('the group is empty', async () => (await kit.probe.depth(at)) === 0)
  ok(!present.events.some(({ kind }) => kind === 'lost' || kind === 'settleFailed'), 'and its connection is well')
}
