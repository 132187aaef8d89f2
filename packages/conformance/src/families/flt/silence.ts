import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Driver, DriverEvent } from '@waybill/core/driver'
import type { CapabilityNeed } from '../../behaviour.ts'
import { heldBytes } from '../../held-bytes.ts'
import { item, items, sendItems } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { countSends, wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'

/** Without it, what is asked of senders that wait is asked behind a link that has gone silent; and `blocked` is never told. */
export const blocking: CapabilityNeed = { name: 'send.blocks', declared: ({ send }) => send.blocks !== false }

/** Senders wait, keep their deadlines, resolve for nothing but the broker; consumers go on. Instead of FLT-12. */
export async function waitsOutSilence(kit: Kit): Promise<void> {
  const orders = kit.channel([group])
  const link = await kit.link()
  const { wrap, reported } = listened()
  const sender = await kit.connect({ link, wrap })
  const consumer = await kit.connect({ wrap })
  const runs = kit.record(group)
  const gate = kit.gate()
  const handler = runs.handler(() => gate.opened)
  await consumer.consume(orders, { group, concurrency: 8 }, handler)
  const ids = await sendItems(sender, orders, items(200))
  await link.blackhole()
  let resolved = 0
  const sends = items(200).map(async (each) => {
    const { id } = await sender.send(orders, each, { timeoutMs: 60_000 })
    resolved++
    return id
  })
  void Promise.allSettled(sends)
  const late = kit.expectRejection('timeout', sender.send(orders, item(-1), { timeoutMs: 1_000 }))
  gate.open()
  await runs.untilDone(ids)
  await late
  equal(resolved, 0, 'sends that resolved in the silence')
  await link.restore()
  const more = await kit.within('the sends, after it', Promise.all(sends), kit.timings.recoverMs)
  await runs.untilDone(more)
  deepEqual(runs.tally([...ids, ...more]).lost, [])
  expectNeverBlocked(reported)
}

/** Thousands of sends that nobody takes cost no more than a window of them and a little for each. Instead of SND-11. */
export async function boundsSilence(kit: Kit): Promise<void> {
  const count = 20_000
  const orders = kit.channel([group])
  const link = await kit.link()
  const counter = countSends()
  const { wrap, reported } = listened()
  const messaging = await kit.connect({ link, wrap: (driver) => counter.wrap(wrap(driver)) })
  await messaging.send(orders, item(0))
  const data = item(0, { text: 'x'.repeat(8_000) })
  await link.blackhole()
  const before = heldBytes()
  const outcome = Promise.allSettled(
    Array.from({ length: count }, () => messaging.send(orders, data, { timeoutMs: 3_000 })),
  )
  await kit.sleep(1_000)
  const grownMiB = (heldBytes() - before) / 2 ** 20
  const mostMiB = 2 * windowMiB + (count * waitingBytes) / 2 ** 20
  ok(grownMiB <= mostMiB, `${count} sends hold ${grownMiB.toFixed(1)} MiB in the silence, over ${mostMiB}`)
  const { maxBatch, maxBatchesInFlight } = kit.capabilities.send
  const most = 1 + maxBatch * maxBatchesInFlight
  ok(counter.handed <= most, `${counter.handed} handed to a driver that takes ${most} before it answers`)
  const outcomes = await kit.within('the deadline of the sends', outcome, 3_000 + kit.timings.arriveMs)
  ok(
    outcomes.every(({ status }) => status === 'rejected'),
    'a send resolved in the silence',
  )
  await link.restore()
  await kit.within('the first send after it', messaging.send(orders, item(0)), kit.timings.recoverMs)
  expectNeverBlocked(reported)
}

/** What the core encodes ahead of the broker's answers; a client library may keep a second copy in its buffers. */
export const windowMiB = 16
/** What a send costs that waits to be encoded: its promises and its deadline, not its 8,000 bytes. */
export const waitingBytes = 1_536

function listened(): { readonly reported: DriverEvent[]; wrap(driver: Driver): Driver } {
  const reported: DriverEvent[] = []
  const wrap = (driver: Driver): Driver =>
    wrapDriver(driver, {
      connect: (context) =>
        driver.connect({
          ...context,
          report(event) {
            reported.push(event)
            context.report(event)
          },
        }),
    })
  return { reported, wrap }
}

function expectNeverBlocked(reported: readonly DriverEvent[]): void {
  const told = reported.filter(({ kind }) => kind === 'blocked' || kind === 'unblocked')
  deepEqual(told, [], 'told to wait by a broker that is declared to ask nobody')
}
