import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { items, sendItems } from '../../item.ts'
import { group } from '../rdr/dead-messages.ts'
import {
  allAttemptsMs,
  idOf,
  ordered,
  recordOn,
  refusesOrder,
  refusesRetries,
  retries,
  untilDeadLetters,
  untilEmpty,
} from '../rty/letters.ts'
import { BatchRecord } from './batch-record.ts'

const retry = { maxAttempts: 3, delaysMs: [30] }

/** What becomes of the single messages of a batch. */
export const outcomes: readonly Behaviour[] = [
  {
    id: 'BAT-02',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const record = new BatchRecord(kit)
      const mixed = record.handler(async (messages, context) => {
        for (const message of messages) {
          if (message.data.n === 1 && context.attempt(message) < 3) context.fail(message, new RangeError('planted'))
          if (message.data.n === 2) context.deadLetter(message, 'useless')
          if (message.data.n === 3) context.fail(message, new TypeError('hopeless'))
        }
      })
      const options = { group, retry, maxSize: 6, maxWaitMs: 300 }
      await messaging.consumeBatch(orders, options, mixed)
      const ids = await sendItems(messaging, orders, items(6))
      const letters = await untilDeadLetters(
        kit,
        { channel: orders.name, group },
        2,
        allAttemptsMs(kit, retry) + 3 * options.maxWaitMs,
      )
      await kit.eventually('the last run of what succeeds in the end', () => runsOf(record, 1).length === 3)
      await untilEmpty(kit, { channel: orders.name, group })
      deepEqual(
        [0, 1, 2, 3, 4, 5].map((n) => runsOf(record, n)),
        [[1], [1, 2, 3], [1], [1, 2, 3], [1], [1]],
        'the attempts of each',
      )
      const records = new Map(letters.map((letter) => [idOf(letter), recordOn(letter)]))
      const told = [2, 3].map((n) => records.get(ids[n]))
      deepEqual(
        told.map((each) => [each?.message, each?.attempts]),
        [
          ['useless', '1'],
          ['hopeless', '3'],
        ],
      )
    },
    refusal: refusesRetries,
  },
  {
    id: 'BAT-03',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const record = new BatchRecord(kit)
      const throwing = record.handler(async (messages) => {
        if (messages.some(({ data }) => data.n === 2)) throw new RangeError('planted')
      })
      const options = { group, retry, maxSize: 5, maxWaitMs: 1_000 }
      await messaging.consumeBatch(orders, options, throwing)
      const ids = await sendItems(messaging, orders, items(5))
      const patienceMs = allAttemptsMs(kit, retry) + 3 * options.maxWaitMs
      const letters = await untilDeadLetters(kit, { channel: orders.name, group }, 1, patienceMs)
      await untilEmpty(kit, { channel: orders.name, group })
      deepEqual(letters.map(idOf), [ids[2]], 'the bad one alone is given up')
      equal(letters[0] && recordOn(letters[0]).attempts, '3')
      equal(record.batches[0]?.ids.length, 5)
      for (const n of [0, 1, 3, 4]) {
        const good = record.batches.filter(({ items: each }) => each.some((one) => one.n === n))
        deepEqual(
          good.map(({ ids: each, outcome }) => [each.length, outcome]),
          [
            [5, 'threw'],
            [1, 'done'],
          ],
          `item ${n} is handled alone, once`,
        )
      }
      const single = record.batches.filter(({ items: each }) => each.length === 1 && each[0]?.n === 2)
      deepEqual(
        single.map(({ attempts: [attempt] }) => attempt),
        [1, 2, 3],
        'only single runs count as attempts',
      )
    },
    refusal: refusesRetries,
  },
  {
    id: 'BAT-05',
    needs: { capability: ordered },
    async run(kit) {
      const orders = kit.channel([group], { ordering: 'key' })
      const messaging = await kit.connect()
      const record = new BatchRecord(kit)
      const failing = record.handler(async (messages, context) => {
        for (const message of messages) {
          if (message.data.n % 20 === 7 && context.attempt(message) < 3) context.fail(message, new Error('planted'))
        }
        await kit.sleep(messages.length % 3)
      })
      const options = { group, retry, maxSize: 10, maxWaitMs: 50 }
      await messaging.consumeBatch(orders, options, failing)
      const data = items(200, { keys: 8 })
      await sendItems(messaging, orders, data)
      const retried = data.filter(({ n }) => n % 20 === 7).length
      await record.untilEntries(200 + 2 * retried, allAttemptsMs(kit, retry) + 20_000)
      await untilEmpty(kit, { channel: orders.name, group })
      for (const batch of record.batches) {
        equal(new Set(batch.items.map(({ key }) => key)).size, batch.items.length, 'of each key one message per batch')
      }
      const runs = record.batches.flatMap((batch) =>
        batch.items.map((item, index) => ({ item, attempt: batch.attempts[index], batch })),
      )
      for (let key = 0; key < 8; key++) {
        const own = runs.filter(({ item }) => item.key === `k${key}`)
        const expected = data
          .filter((item) => item.key === `k${key}`)
          .flatMap(({ n }) => (n % 20 === 7 ? [1, 2, 3] : [1]).map((attempt) => [n, attempt]))
        deepEqual(
          own.map(({ item, attempt }) => [item.n, attempt]),
          expected,
          `the runs of k${key}`,
        )
        for (const [index, { batch }] of own.slice(1).entries()) {
          ok(batch.startedAt >= (own[index]?.batch.endedAt ?? Infinity), 'no two batches have one key at a time')
        }
      }
      ok(
        record.batches.some(({ ids }) => ids.length > 1),
        'several keys do share a batch',
      )
    },
    refusal: refusesOrder,
  },
]

/** The attempts of the runs of item `n`, in order. */
function runsOf({ batches }: BatchRecord, n: number): (number | undefined)[] {
  return batches.flatMap(({ items: each, attempts }) =>
    each.flatMap((one, index) => (one.n === n ? [attempts[index]] : [])),
  )
}
