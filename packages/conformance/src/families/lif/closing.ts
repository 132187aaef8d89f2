import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Messaging } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, sendItems, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'

const group = 'billing'
const drainMs = 1_000
/** Beyond `drainMs` only the disconnecting itself may take time, and that is bounded too. */
const disconnectMs = 6_000

/** What close promises to who calls it. */
export const closing: readonly Behaviour[] = [
  {
    id: 'LIF-01',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const producer = await messaging.producer(orders)
      const prepared = await messaging.prepare(orders, item())
      const consumer = await messaging.consume(orders, { group }, async () => {})
      await messaging.close()
      for (const [what, use] of usesOf(messaging, orders)) {
        const error = await kit.expectRejection('closed', use())
        equal(error.retryable, false, `${what}: closed is not retryable`)
      }
      await kit.expectRejection('closed', messaging.sendPrepared([prepared]))
      await kit.expectRejection('closed', producer.send(item()))
      await kit.expectRejection('closed', producer.sendAll([item()]))
      consumer.pause()
      consumer.resume()
      equal(messaging.health().status, 'down')
      equal(await kit.probe.depth({ channel: orders.name, group }), 0, 'messages sent after close')
    },
  },
  {
    id: 'LIF-01',
    part: 'one producer',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const producer = await messaging.producer(orders)
      await producer.close()
      await producer.close()
      await kit.expectRejection('closed', producer.send(item()))
      await messaging.send(orders, item())
      equal(await kit.probe.depth({ channel: orders.name, group }), 1, 'others still send')
    },
  },
  {
    id: 'LIF-02',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const gate = kit.gate()
      const runs = kit.record(group)
      const consumer = await messaging.consume(
        orders,
        { group },
        runs.handler(() => gate.opened),
      )
      await sendItems(messaging, orders, [item(0)])
      await runs.untilRuns(1)
      const finished: number[] = []
      const closes = Array.from({ length: 10 }, async (_, n) => {
        await (n % 3 === 0 ? consumer.close() : messaging.close())
        finished.push(runs.done.length)
      })
      closes.push(Promise.resolve(messaging[Symbol.asyncDispose]()))
      gate.open()
      await kit.within('all closes', Promise.all(closes))
      deepEqual(finished, Array(10).fill(1), 'handlers that had ended when each close resolved')
      await kit.within(
        'closing again',
        Promise.all([messaging.close(), consumer.close(), messaging.close({ drainMs: 0 })]),
      )
      equal(runs.runs.length, 1)
    },
  },
  {
    id: 'LIF-03',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const gate = kit.gate()
      const runs = kit.record(group)
      await messaging.consume(
        orders,
        { group },
        runs.handler(() => gate.opened),
      )
      await sendItems(messaging, orders, [item(0)])
      await runs.untilRuns(1)
      const tookMs = await timedClose(kit, messaging)
      ok(tookMs >= drainMs * 0.7, `it waited for the handler, ${tookMs} ms of ${drainMs} ms`)
      ok(tookMs <= drainMs + kit.timings.toleranceMs, `it returned after ${tookMs} ms of ${drainMs} ms`)
    },
  },
  {
    id: 'LIF-03',
    part: 'idle',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      await messaging.producer(orders)
      await messaging.consume(orders, { group }, async () => {})
      const tookMs = await timedClose(kit, messaging, 30_000)
      ok(tookMs <= kit.timings.toleranceMs, `with nothing to wait for it took ${tookMs} ms`)
    },
  },
  {
    id: 'LIF-03',
    part: 'broker down',
    needs: { faults: ['cut'] },
    run: (kit) => closeWithout(kit, async (link) => link.sever(), drainMs + kit.timings.toleranceMs),
  },
  {
    id: 'LIF-03',
    part: 'broker silent',
    needs: { faults: ['blackhole'] },
    run: (kit) => closeWithout(kit, async (link) => link.blackhole(), drainMs + disconnectMs + kit.timings.toleranceMs),
  },
]

/** Every method that needs the broker, called on `messaging`. */
function usesOf(messaging: Messaging, orders: ItemChannel<typeof group>): [string, () => Promise<unknown>][] {
  const handler = async (): Promise<void> => {}
  return [
    ['producer', () => messaging.producer(orders)],
    ['send', () => messaging.send(orders, item())],
    ['sendAll', () => messaging.sendAll(orders, [item()])],
    ['prepare', () => messaging.prepare(orders, item())],
    ['consume', () => messaging.consume(orders, { group }, handler)],
    ['consumeBatch', () => messaging.consumeBatch(orders, { group, maxSize: 2, maxWaitMs: 10 }, handler)],
    ['consumeBroadcast', () => messaging.consumeBroadcast(orders, { onGap: () => {} }, handler)],
    ['deadLetters', async () => messaging.deadLetters(orders, group).get('x')],
    ['provision', () => messaging.provision([orders], 'create')],
  ]
}

async function timedClose(kit: Kit, messaging: Messaging, withMs = drainMs): Promise<number> {
  const startedAt = monotonicMs()
  await kit.within('close', messaging.close({ drainMs: withMs }), withMs + disconnectMs + kit.timings.toleranceMs)
  return Math.round(monotonicMs() - startedAt)
}

/** A handler runs, a send waits, the broker is gone: close returns all the same, and both are told. */
async function closeWithout(
  kit: Kit,
  takeAway: (link: Awaited<ReturnType<Kit['link']>>) => Promise<void>,
  byMs: number,
): Promise<void> {
  const link = await kit.link()
  const orders = kit.channel([group])
  const messaging = await kit.connect({ link })
  const gate = kit.gate()
  const runs = kit.record(group)
  await messaging.consume(
    orders,
    { group },
    runs.handler(() => gate.opened),
  )
  await sendItems(messaging, orders, [item(0)])
  await runs.untilRuns(1)
  await takeAway(link)
  const sending = kit.expectRejection(['closed', 'unavailable', 'timeout'], messaging.send(orders, item(1)), byMs)
  const tookMs = await timedClose(kit, messaging)
  ok(tookMs <= byMs, `it returned after ${tookMs} ms, and may take ${byMs} ms`)
  await kit.within('the rejection of the send', sending, kit.timings.toleranceMs)
}
