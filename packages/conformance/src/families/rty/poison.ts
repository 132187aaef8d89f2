import { ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import { allAttemptsMs, idOf, refusesRetries, retries, untilDeadLetters } from './letters.ts'

const group = 'billing'
const concurrency = 10
const workMs = 20
const poisonEvery = 50

/** Messages that always fail, among many that do not. */
export const poison: readonly Behaviour[] = [
  {
    id: 'RTY-12',
    needs: { capability: retries },
    tags: ['long'],
    deadlineMs: 90_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 1_000, full: 20_000 })
      const retry = { maxAttempts: 4, delaysMs: [300] }
      // Both at once, so that what slows the machine slows both.
      const lanes = await Promise.all(
        [true, false].map(async (poisoned) => {
          const orders = kit.channel([group])
          const messaging = await kit.connect()
          await messaging.producer(orders)
          const isPoison = ({ n }: Item): boolean => poisoned && n % poisonEvery === 0
          const data = items(count).filter((item) => poisoned || item.n % poisonEvery !== 0)
          const ids = await sendItems(messaging, orders, data)
          const runs = kit.record<Item>(poisoned ? 'with poison' : 'without')
          const handler = runs.handler(async (item) => {
            if (isPoison(item)) throw new Error('planted')
            await kit.sleep(workMs)
          })
          const good = ids.filter((_, index) => !isPoison(data[index] as Item))
          const bad = ids.filter((_, index) => isPoison(data[index] as Item))
          return { orders, messaging, runs, handler, good, bad }
        }),
      )
      const patienceMs = kit.timings.arriveMs + ((count * workMs) / concurrency) * 3
      await Promise.all(
        lanes.map(async ({ orders, messaging, runs, handler, good }) => {
          await messaging.consume(orders, { group, concurrency, retry }, handler)
          await runs.untilDone(good, patienceMs)
        }),
      )
      const [poisoned, clean] = lanes.map(({ runs, good }) => {
        const first = Math.min(...runs.runs.map(({ startedAt }) => startedAt))
        const last = Math.max(...runs.done.map(({ endedAt }) => endedAt ?? Infinity))
        return good.length / (last - first)
      }) as [number, number]
      const share = poisoned / clean
      kit.log.note(`good ones per second: ${(poisoned * 1_000).toFixed(0)} of ${(clean * 1_000).toFixed(0)}`)
      ok(share >= 0.95, `good ones keep ${(share * 100).toFixed(1)} % of their rate`)
      const [{ orders, bad }] = lanes as [(typeof lanes)[number]]
      const letters = await untilDeadLetters(
        kit,
        { channel: orders.name, group },
        bad.length,
        allAttemptsMs(kit, retry),
      )
      ok(
        letters.length === bad.length && letters.every((letter) => bad.includes(idOf(letter) ?? '')),
        'all poison, and nothing else, is dead-lettered',
      )
    },
    refusal: refusesRetries,
  },
]
