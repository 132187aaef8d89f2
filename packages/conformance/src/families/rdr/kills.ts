import { deepEqual, ok } from 'node:assert/strict'
import type { Driver } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import { items, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { watchSends, wrapDriver } from '../../wrapped-driver.ts'
import { untilEmpty } from '../rty/letters.ts'
import { deadItems, group, once } from './dead-messages.ts'

/** A redrive of many that is interrupted, and taken up again. */
export const kills: readonly Behaviour[] = [
  {
    id: 'RDR-08',
    tags: ['long'],
    needs: { faults: ['cut'] },
    deadlineMs: 120_000,
    async run(kit) {
      const link = await kit.link()
      await interrupted(kit, { link, kill: () => link.sever() })
    },
  },
  {
    id: 'RDR-08',
    part: 'by a kill of the broker',
    tags: ['long'],
    needs: { faults: ['kill'] },
    deadlineMs: 120_000,
    run: (kit) => interrupted(kit, { kill: () => kit.faults.kill() }),
  },
]

/** So that some are under way while others wait, also where one batch would hold them all. */
function inSmallBatches(driver: Driver, most: number): Driver {
  const { send } = driver.capabilities
  return wrapDriver(driver, {
    capabilities: { ...driver.capabilities, send: { ...send, maxBatch: Math.min(send.maxBatch, most) } },
  })
}

async function interrupted(
  kit: Kit,
  { kill, link }: { kill: () => Promise<void>; link?: Awaited<ReturnType<Kit['link']>> },
): Promise<void> {
  const count = kit.size('dead letters', { reduced: 1_000, full: 10_000 })
  const orders = kit.channel([group])
  const steady = await kit.connect()
  const ids = await deadItems(kit, steady, orders, items(count))
  const gate = kit.gate()
  let [passed, held] = [0, 0]
  // The confirmations of most are still out when it happens.
  const watch = watchSends((batch, { lane }) => {
    if (lane !== undefined || passed < count / 4) passed += batch.length
    else held += batch.length
    return held === 0 ? undefined : gate.opened
  })
  const wrap = (driver: Driver): Driver => watch(inSmallBatches(driver, count / 20))
  const killed = await kit.connect({ wrap, ...(link === undefined ? {} : { link }) })
  const first = killed.deadLetters(orders, group).redrive('all')
  const ended = first.then(
    ({ redriven }) => redriven,
    () => 'rejected' as const,
  )
  const main = { channel: orders.name, group }
  const dead = { ...main, lane: 'dead' } as const
  const deadNow = async (): Promise<number> => (await kit.probe.depth(dead)) + (await kit.probe.unsettled(dead))
  await kit.eventually('some are redriven', async () => held > 0 && (await kit.probe.depth(main)) >= passed)
  await kit.sleep(kit.timings.quietMs)
  const [left, unconfirmed] = [await deadNow(), count - passed]
  ok(left >= unconfirmed, `${left} dead letters are left while ${unconfirmed} copies are not confirmed`)
  await kill()
  const patienceMs = kit.timings.leaseMs + kit.timings.recoverMs + count * 10
  let again = 0
  await kit.eventually(
    'the rest is redriven',
    async () => {
      const { redriven, failed } = await steady.deadLetters(orders, group).redrive('all')
      deepEqual(failed, [])
      again += redriven
      return (await deadNow()) === 0
    },
    patienceMs,
  )
  const runs = kit.record<Item>(group)
  await steady.consume(orders, { group, retry: once }, runs.handler())
  await runs.untilDone(ids, patienceMs)
  await untilEmpty(kit, main)
  const twice = runs.expectAll(ids)
  kit.log.note(
    `of ${count} dead letters ${again} were redriven again, ${twice} came twice; the first redrive: ${await Promise.race([ended, 'unfinished'])}`,
  )
  ok(again < count || twice > 0, 'the first redrive did something before it was interrupted')
  const most = Math.max(...ids.map((id) => runs.of(id).length))
  ok(most <= 2, `one interruption makes no more than one copy more, not ${most - 1}`)
}
