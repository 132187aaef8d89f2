import { deepEqual, ok } from 'node:assert/strict'
import type { RetryPolicy } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { item, items, sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import {
  allAttemptsMs,
  expectAttempts,
  idOf,
  ordered,
  refusesOrder,
  refusesRetries,
  retries,
  untilDeadLetters,
  untilEmpty,
} from './letters.ts'

const group = 'billing'

/** Attempts counted, and dead letters not made, across processes that come and go. */
export const restarts: readonly Behaviour[] = [
  {
    id: 'RTY-09',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const [one, other] = [await kit.connect(), await kit.connect()]
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 12, delaysMs: [100] }
      const until5 = async (_: Item, { attempt }: { attempt: number }): Promise<void> => {
        if (attempt < 5) throw new Error('planted')
      }
      await one.consume(orders, { group, retry }, runs.handler(until5, 'one'))
      if (kit.capabilities.membersPerGroup > 1) {
        await other.consume(orders, { group, retry }, runs.handler(until5, 'other'))
      }
      const ids = await sendItems(other, orders, items(40))
      await runs.untilRuns(80)
      await one.close()
      const heir = await kit.connect()
      await heir.consume(orders, { group, retry }, runs.handler(until5, 'heir'))
      await runs.untilDone(ids, allAttemptsMs(kit, retry))
      for (const id of ids) expectAttempts(kit, runs.attemptsOf(id), [1, 2, 3, 4, 5])
      const members = new Set(runs.runs.map(({ member }) => member))
      ok(members.has('one') && members.size > 1, `took part: ${[...members]}`)
      await untilEmpty(kit, { channel: orders.name, group })
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-09',
    part: 'a restart of the broker',
    needs: { capability: retries, faults: ['restart'] },
    deadlineMs: 120_000,
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 6, delaysMs: [2_000] }
      const failing = runs.handler(async (_, { attempt }) => {
        if (attempt < 3) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry }, failing)
      const ids = await sendItems(messaging, orders, items(20))
      await runs.untilRuns(20)
      await untilEmpty(kit, { channel: orders.name, group })
      await kit.faults.restart()
      await runs.untilDone(ids, kit.timings.recoverMs + allAttemptsMs(kit, retry))
      for (const id of ids) expectAttempts(kit, runs.attemptsOf(id), [1, 2, 3])
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-13',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const closing = await kit.connect()
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const retry = { maxAttempts: 2, delaysMs: [30] }
      const failing = async (_: Item, { attempt }: { attempt: number }): Promise<void> => {
        if (attempt > 1) await gate.opened
        throw new Error('planted')
      }
      await closing.consume(orders, { group, retry }, runs.handler(failing))
      const ids = await sendItems(closing, orders, items(10))
      await runs.untilRuns(20, allAttemptsMs(kit, retry))
      const closed = closing.close({ drainMs: 10_000 })
      gate.open()
      await kit.within('close', closed)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'closing gives back what is hopeless')
      await expectHandled(kit, { orders, retry, runs }, ids, [1, 2, 2])
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-13',
    part: 'while they wait',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const closing = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 2, delaysMs: [1_000] }
      const fail = async (): Promise<void> => {
        throw new Error('planted')
      }
      await closing.consume(orders, { group, retry }, runs.handler(fail))
      const ids = await sendItems(closing, orders, items(10))
      await runs.untilRuns(10)
      await kit.within('close', closing.close())
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [])
      await expectHandled(kit, { orders, retry, runs }, ids, [1, 2])
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-13',
    part: 'held for their order',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const closing = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 3, delaysMs: [60_000] }
      const fail = async (): Promise<void> => {
        throw new Error('planted')
      }
      await closing.consume(orders, { group, retry }, runs.handler(fail))
      const ids = await sendItems(closing, orders, items(10, { keys: 10 }))
      await runs.untilRuns(10)
      await kit.within('close, which does not wait for the retries', closing.close({ drainMs: 20_000 }))
      await expectHandled(kit, { orders, retry: { maxAttempts: 2, delaysMs: [30] }, runs }, ids, [1, 1])
    },
    refusal: refusesOrder,
  },
  {
    id: 'RTY-14',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const before = await kit.connect()
      const runs = kit.record<Item>(group)
      const old = { maxAttempts: 3, delaysMs: [1_500] }
      const fail = async (): Promise<void> => {
        throw new Error('planted')
      }
      const first = await before.consume(orders, { group, retry: old }, runs.handler(fail, 'before'))
      const ids = await sendItems(before, orders, items(10))
      await runs.untilRuns(10)
      await untilEmpty(kit, { channel: orders.name, group })
      await first.close()
      await before.close()
      const after = await kit.connect()
      await after.consume(
        orders,
        { group, retry: { maxAttempts: 3, delaysMs: [40] } },
        runs.handler(undefined, 'after'),
      )
      await runs.untilDone(ids, allAttemptsMs(kit, old))
      for (const id of ids) {
        expectAttempts(kit, runs.attemptsOf(id), [1, 2])
        const [failed, next] = runs.of(id)
        const waitedMs = (next?.startedAt ?? 0) - (failed?.startedAt ?? 0)
        ok(waitedMs >= 1_495, `it ran again after ${waitedMs} ms of the 1,500 ms that were promised`)
      }
      await untilEmpty(kit, { channel: orders.name, group })
    },
    refusal: refusesRetries,
  },
]

/** Another process gets each message, with these attempts in all, and nothing was given up meanwhile. */
async function expectHandled(
  kit: Kit,
  { orders, retry, runs }: { orders: ItemChannel<'billing'>; retry: RetryPolicy; runs: DeliveryRecord<Item> },
  ids: readonly string[],
  attempts: readonly number[],
): Promise<void> {
  const at = { channel: orders.name, group }
  const heir = await kit.connect()
  const picky = runs.handler(async (data) => {
    if (data.n < 0) throw new Error('planted')
  }, 'heir')
  await heir.consume(orders, { group, retry }, picky)
  await runs.untilDone(ids, allAttemptsMs(kit, { maxAttempts: 3, delaysMs: [1_000] }))
  for (const id of ids) expectAttempts(kit, runs.attemptsOf(id), attempts)
  const control = await heir.send(orders, item(-1))
  const letters = await untilDeadLetters(kit, at, 1, allAttemptsMs(kit, retry))
  deepEqual(letters.map(idOf), [control.id], 'only what failed outside of a shutdown is a dead letter')
}
