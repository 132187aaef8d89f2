import { deepEqual, ok } from 'node:assert/strict'
import { canDelay } from '../../allowed-retries.ts'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { items, sendItems, type Item } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { overCounts } from './retry-times.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'

/** What was given back, or is tried again at once: without counting what did not run, and without end. */
export const releases: readonly Behaviour[] = [
  {
    id: 'SET-07',
    tags: ['long'],
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(5))
      const rounds = kit.size('releases', { reduced: 25, full: 60 })
      const exactly = !overCounts(kit.capabilities)
      const waits: number[] = []
      let closingAt: number | undefined
      const retry = { maxAttempts: 1, delaysMs: [] }
      const messaging = await kit.connect()
      for (let round = 0; round < rounds; round++) {
        const gate = kit.gate()
        const runs = kit.record<Item>(`round ${round}`)
        const untilTold = runs.handler((_, { signal }) => {
          signal.addEventListener('abort', () => gate.open(), { once: true })
          return gate.opened.then(() => signal.throwIfAborted())
        })
        const consumer = await messaging.consume(orders, { group, concurrency: 3, retry }, untilTold)
        await runs.untilRuns(3)
        if (closingAt !== undefined) waits.push(monotonicMs() - closingAt)
        if (exactly) deepEqual(attemptsIn(runs), [1], `round ${round}: no attempt counted`)
        closingAt = monotonicMs()
        await consumer.close({ drainMs: 20 })
      }
      const heir = kit.record<Item>('heir')
      await sender.consume(orders, { group }, heir.handler())
      await heir.untilDone(ids)
      heir.expectOnce(ids)
      if (exactly) deepEqual(attemptsIn(heir), [1])
      ok(Math.max(...waits) <= kit.timings.toleranceMs, `back at once, after ${waits.map(Math.round)} ms`)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'no run has failed')
    },
  },
  {
    id: 'SET-14',
    needs: { capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      const failing = runs.handler(async ({ n }) => {
        if (n === 0) throw new Error('planted')
      })
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, retry: { maxAttempts: 40, delaysMs: [0] } }, failing)
      const [bad = ''] = await sendItems(messaging, orders, items(1))
      await kit.eventually('forty runs', () => runs.of(bad).length >= 40, kit.timings.recoverMs)
      const letters = () => kit.probe.readDeadLetters(orders.name, group)
      await kit.eventually('the dead letter', async () => (await letters()).length === 1)
      deepEqual(
        runs.attemptsOf(bad),
        Array.from({ length: 40 }, (_, index) => index + 1),
      )
    },
    refusal: refusesRetries,
  },
  {
    id: 'SET-14',
    part: 'without end',
    needs: {
      capability: {
        name: 'retryInPlace.maxDeliveries',
        declared: (all) => canDelay(all) && all.retryInPlace?.maxDeliveries === undefined,
      },
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const retry = { maxAttempts: Number.POSITIVE_INFINITY, delaysMs: [0] }
      await kit.expectUnsupported(messaging.consume(kit.channel([group]), { group, retry }, async () => {}))
    },
    async run(kit) {
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      let isMended = false
      const failing = runs.handler(async ({ n }) => {
        if (n === 0 && !isMended) throw new Error('planted')
      })
      const messaging = await kit.connect()
      const retry = { maxAttempts: Number.POSITIVE_INFINITY, delaysMs: [0] }
      await messaging.consume(orders, { group, retry }, failing)
      const [bad = ''] = await sendItems(messaging, orders, items(1))
      await kit.eventually('it runs again and again', () => runs.of(bad).length >= 3, kit.timings.recoverMs)
      const before = runs.of(bad).length
      const from = monotonicMs()
      await kit.sleep(1_000)
      const tookMs = monotonicMs() - from
      const perSecond = ((runs.of(bad).length - before) * 1_000) / tookMs
      ok(tookMs <= 1_000 + kit.timings.toleranceMs, `a timer of 1,000 ms took ${tookMs} ms beside it`)
      ok(perSecond <= hotPerSecond, `${Math.round(perSecond)} runs per second`)
      const good = await sendItems(messaging, orders, items(20).slice(1))
      await runs.untilDone(good)
      isMended = true
      await runs.untilDone([bad])
      deepEqual(
        runs.attemptsOf(bad),
        runs.of(bad).map((_, index) => index + 1),
        'one run after the other, none twice at a time',
      )
    },
  },
]

function attemptsIn({ runs }: DeliveryRecord<Item>): number[] {
  return [...new Set(runs.map(({ attempt }) => attempt))]
}

/** More than this of one message is a loop that burns a processor for nothing. */
const hotPerSecond = 1_000
