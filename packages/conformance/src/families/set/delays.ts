import { deepEqual, ok } from 'node:assert/strict'
import { retryLater } from '@waybill/core'
import type { Capabilities } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { items, sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { granularityMs, retriedWithinMs } from './retry-times.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'
const planted = (): never => {
  throw new Error('planted')
}

/** A retry comes when it was asked for, on whatever way this broker has. */
export const delays: readonly Behaviour[] = [
  {
    id: 'SET-04',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      const delaysMs = [150, 600, 1_200]
      const failing = runs.handler(async (_, { attempt }) => (attempt <= 3 ? planted() : undefined))
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, retry: { maxAttempts: 5, delaysMs } }, failing)
      const ids = await sendItems(messaging, orders, items(20))
      await runs.untilDone(ids, retriedWithinMs(kit, delaysMs))
      for (const id of ids) deepEqual(runs.attemptsOf(id), [1, 2, 3, 4])
      expectDelays(kit, runs, delaysMs)
    },
    refusal: refusesRetries,
  },
  {
    id: 'SET-04',
    part: 'a long delay does not hold up a short one',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      const delaysMs = [100, 1_500]
      const asking = runs.handler(async ({ n }, { attempt }) => {
        if (attempt === 1) retryLater(n % 2 === 0 ? 1_500 : 100)
      })
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, concurrency: 1, retry: { maxAttempts: 3, delaysMs } }, asking)
      const ids = await sendItems(messaging, orders, items(10))
      await runs.untilDone(ids, retriedWithinMs(kit, [1_500]))
      for (const [n, id] of ids.entries()) expectDelay(kit, runs, id, 1, n % 2 === 0 ? 1_500 : 100)
    },
    refusal: refusesRetries,
  },
  {
    id: 'SET-04',
    part: 'while the key is held',
    needs: { capability: { name: 'order', declared: ({ order }) => order !== 'none' } },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const runs = kit.record<Item>(group)
      const delaysMs = [100, 400]
      const failing = runs.handler(async (_, { attempt }) => (attempt <= 2 ? planted() : undefined))
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, retry: { maxAttempts: 5, delaysMs } }, failing)
      const ids = await sendItems(messaging, orders, items(6, { keys: 3 }))
      await runs.untilDone(ids, retriedWithinMs(kit, [...delaysMs, ...delaysMs]))
      for (const id of ids) deepEqual(runs.attemptsOf(id), [1, 2, 3])
      expectDelays(kit, runs, delaysMs)
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      await kit.expectUnsupported(
        messaging.consume(kit.channel([group], { ordering: 'key' }), { group }, async () => {}),
      )
    },
  },
  {
    id: 'SET-05',
    needs: { capability: retries },
    async run(kit) {
      const faults: unknown[] = []
      const retried: unknown[] = []
      const messaging = await kit.connect({
        onEvent({ type, error }) {
          if (type === 'fault') faults.push(error)
          if (type === 'retried') retried.push(error)
        },
      })
      const consume = (orders: ItemChannel<typeof group>, delayMs: number): Promise<unknown> =>
        messaging.consume(orders, { group, retry: { maxAttempts: 2, delaysMs: [delayMs] } }, async () => planted())
      const { order, holdMs } = kit.capabilities
      const ways = [{ ordering: {}, longestMs: longestDelayMs(kit.capabilities) }]
      if (order !== 'none') ways.push({ ordering: { ordering: 'key' }, longestMs: holdMs })
      for (const { ordering, longestMs } of ways) {
        const orders = kit.channel([group], ordering)
        await consume(orders, Number.isFinite(longestMs) ? longestMs : yearMs)
        await sendItems(messaging, orders, items(1))
        if (Number.isFinite(longestMs))
          await kit.expectUnsupported(consume(kit.channel([group], ordering), longestMs + 1))
      }
      await kit.eventually('each is put off', () => retried.length === ways.length)
      await kit.quiet('retries as late as that are taken', {
        watch: () => [retried.length, faults.length],
        async control() {
          const short = kit.channel([group])
          await consume(short, 1)
          await sendItems(messaging, short, items(1))
          await kit.eventually('another retry', () => retried.length === ways.length + 1)
        },
      })
      deepEqual(faults, [])
    },
    refusal: refusesRetries,
  },
]

/** The longest delay that some way of retrying on this broker has, in the core's order of choice. */
function longestDelayMs({ retryInPlace, delayedSend, delayLanes }: Capabilities): number {
  if (retryInPlace !== undefined) return retryInPlace.maxMs
  if (delayedSend !== undefined && delayedSend.toGroupMs > 0) return delayedSend.toGroupMs
  return delayLanes ? Number.POSITIVE_INFINITY : 0
}

/** Stands for no limit. */
const yearMs = 365 * 86_400_000

function expectDelays(kit: Kit, runs: DeliveryRecord<Item>, delaysMs: readonly number[]): void {
  for (const id of new Set(runs.runs.map((run) => run.id))) {
    for (const [index, delayMs] of delaysMs.entries()) expectDelay(kit, runs, id, index + 1, delayMs)
  }
}

/** The run after number `attempt` begins not before its delay is over, and not much later. */
function expectDelay(kit: Kit, runs: DeliveryRecord<Item>, id: string, attempt: number, delayMs: number): void {
  const [failed, next] = runs.of(id).slice(attempt - 1)
  const waitedMs = (next?.startedAt ?? 0) - (failed?.endedAt ?? 0)
  const latestMs = delayMs + granularityMs(kit.capabilities) + kit.timings.toleranceMs
  ok(waitedMs >= delayMs - clockErrorMs && waitedMs <= latestMs, `${delayMs} ms asked, ${waitedMs} ms waited\n${runs}`)
}

/** The record's clock and the broker's count milliseconds from different moments. */
const clockErrorMs = 2
