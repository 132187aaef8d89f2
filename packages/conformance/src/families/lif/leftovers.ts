import { deepEqual, equal } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { MessagingError } from '@waybill/core'
import type { Driver } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { watchLeaks } from '../../leaks.ts'
import { wrapDriver } from '../../wrapped-driver.ts'
import { expectOneMember, severalMembers } from '../top/members.ts'

const group = 'billing'

/** What closing leaves behind, and what it leaves alone. */
export const leftovers: readonly Behaviour[] = [
  {
    id: 'LIF-06',
    async run(kit) {
      const leaks = watchLeaks()
      const connectionsBefore = await kit.probe.connections()
      const abort = new AbortController()
      const { signal } = abort
      const orders = kit.channel([group])
      const messaging = await kit.connect({ signal })
      const runs = kit.record(group)
      const consumer = await messaging.consume(orders, { group, signal, timeoutMs: 60_000 }, runs.handler())
      const batches = kit.channel([group])
      await messaging.consumeBatch(batches, { group, maxSize: 50, maxWaitMs: 60_000, signal }, async () => {})
      const first = await messaging.send(orders, item(20), { signal })
      const producer = await messaging.producer(orders)
      const ids = await Promise.all(items(20).map(async (each) => (await producer.send(each, { signal })).id))
      await sendItems(messaging, batches, items(3))
      await runs.untilDone([first.id, ...ids])
      await consumer.close()
      await messaging.close()
      await leaks.check(kit.timings.toleranceMs)
      deepEqual(getEventListeners(signal, 'abort'), [], 'listeners left on the signal of the caller')
      await expectNoMoreConnections(kit, connectionsBefore)
    },
  },
  {
    id: 'LIF-06',
    part: 'a failed start',
    needs: { faults: ['cut'] },
    async run(kit) {
      const link = await kit.link()
      const leaks = watchLeaks()
      const { signal } = new AbortController()
      await link.sever()
      for (let attempt = 0; attempt < 5; attempt++) {
        await kit.expectRejection('unavailable', kit.connect({ link, signal, waitForBrokerMs: attempt * 100 }))
      }
      const connectionsBefore = await kit.probe.connections()
      await kit.expectRejection('unavailable', kit.connect({ signal, wrap: cannotReceive }))
      await leaks.check(kit.timings.toleranceMs)
      await expectNoMoreConnections(kit, connectionsBefore)
      deepEqual(getEventListeners(signal, 'abort'), [], 'listeners left on the signal of the caller')
    },
  },
  {
    id: 'LIF-07',
    needs: { capability: severalMembers },
    async run(kit) {
      const orders = kit.channel([group])
      const runs = kit.record(group)
      const leaks = watchLeaks()
      const connectionsBefore = await kit.probe.connections()
      const ids = await Promise.all(
        items(10).map(async (each) => {
          const messaging = await kit.connect()
          await messaging.consume(orders, { group }, runs.handler())
          const { id } = await messaging.send(orders, each)
          await messaging.close()
          return id
        }),
      )
      await leaks.check(kit.timings.toleranceMs)
      await expectNoMoreConnections(kit, connectionsBefore)
      const last = await kit.connect()
      await last.consume(orders, { group }, runs.handler())
      await runs.untilDone(ids, kit.timings.arriveMs + kit.timings.leaseMs)
      runs.expectOnce(ids)
    },
    refusal: expectOneMember,
  },
  {
    id: 'LIF-08',
    needs: { capability: severalMembers },
    async run(kit) {
      const orders = kit.channel([group, 'shipping'])
      const other = kit.channel([group])
      const messaging = await kit.connect()
      const [billing, shipping, others] = [kit.record('billing'), kit.record('shipping'), kit.record('other')]
      const gate = kit.gate()
      const closing = await messaging.consume(orders, { group }, billing.handler())
      await messaging.consume(
        orders,
        { group: 'shipping' },
        shipping.handler(() => gate.opened),
      )
      await messaging.consume(other, { group }, others.handler())
      const [id = ''] = await sendItems(messaging, orders, [item(0)])
      await billing.untilDone([id])
      await shipping.untilRuns(1)
      await kit.within('closing one', closing.close())
      gate.open()
      await shipping.untilDone([id])
      const later = await sendItems(messaging, orders, items(20))
      const elsewhere = await sendItems(messaging, other, items(20))
      await shipping.untilDone(later)
      await others.untilDone(elsewhere)
      shipping.expectOnce([id, ...later])
      others.expectOnce(elsewhere)
      equal(billing.runs.length, 1, 'the closed one gets nothing more')
      equal(await kit.probe.depth({ channel: orders.name, group }), 20, 'its messages wait for another member')
      const member = await messaging.consume(other, { group }, others.handler(undefined, 'second'))
      await member.close()
      const last = await sendItems(messaging, other, items(10))
      await others.untilDone(last)
      equal(
        others.runs.some((run) => run.member === 'second'),
        false,
        'a closed member gets nothing',
      )
    },
    refusal: expectOneMember,
  },
]

/** One of the two connections that a client needs cannot be had. */
function cannotReceive(driver: Driver): Driver {
  return wrapDriver(driver, {
    connect: (context) =>
      context.role === 'send'
        ? driver.connect(context)
        : Promise.reject(new MessagingError('unavailable', 'planted: no connection to receive')),
  })
}

async function expectNoMoreConnections(kit: Kit, before: number | undefined): Promise<void> {
  if (before === undefined) return
  const gone = async (): Promise<boolean> => ((await kit.probe.connections()) ?? 0) <= before
  await kit.eventually('the broker sees no more connections than before', gone)
}
