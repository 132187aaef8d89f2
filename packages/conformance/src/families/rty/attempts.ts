import { deepEqual, equal, ok } from 'node:assert/strict'
import { deadLetter, retryLater } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import {
  allAttemptsMs,
  granularityMs,
  idOf,
  recordOn,
  refusesRetries,
  retries,
  untilDeadLetters,
  untilEmpty,
} from './letters.ts'

const group = 'billing'
const hopeless = item(-1)

/** How often a message runs, and what ends that. */
export const attempts: readonly Behaviour[] = [
  {
    id: 'RTY-01',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 4, delaysMs: [20, 40] }
      const failing = runs.handler(async ({ n }, { attempt }) => {
        if (n < 0 || attempt <= n % 4) throw new Error(`planted: attempt ${attempt} of item ${n}`)
      })
      await messaging.consume(orders, { group, retry }, failing)
      const ids = await sendItems(messaging, orders, items(20))
      await runs.untilDone(ids, allAttemptsMs(kit, retry))
      for (const [n, id] of ids.entries()) deepEqual(runs.attemptsOf(id), upTo((n % 4) + 1), `attempts of item ${n}`)
      await untilEmpty(kit, { channel: orders.name, group })
      let control = ''
      await kit.quiet('what succeeded does not run again', {
        watch: () => runs.runs.length,
        async control() {
          control = (await messaging.send(orders, hopeless)).id
          await untilDeadLetters(kit, { channel: orders.name, group }, 1, allAttemptsMs(kit, retry))
        },
      })
      const letters = await kit.probe.readDeadLetters(orders.name, group)
      deepEqual(letters.map(idOf), [control], 'only what failed to the end is a dead letter')
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-02',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 3, delaysMs: [30] }
      const failing = runs.handler(async ({ n }) => {
        if (n < 10) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry }, failing)
      const ids = await sendItems(messaging, orders, items(10))
      const letters = await untilDeadLetters(
        kit,
        { channel: orders.name, group },
        ids.length,
        allAttemptsMs(kit, retry),
      )
      await kit.quiet('no fourth run', {
        watch: () => runs.runs.length,
        control: async () => runs.untilDone([(await messaging.send(orders, item(10))).id]),
      })
      for (const id of ids) deepEqual(runs.attemptsOf(id), [1, 2, 3])
      deepEqual(letters.map(idOf).sort(), [...ids].sort(), 'each message is one dead letter')
      deepEqual([...new Set(letters.map((letter) => recordOn(letter).attempts))], ['3'])
      await untilEmpty(kit, { channel: orders.name, group })
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-02',
    part: 'a single attempt',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 1, delaysMs: [] }
      const failing = runs.handler(async ({ n }) => {
        if (n === 0) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry }, failing)
      const { id } = await messaging.send(orders, item())
      const [letter] = await untilDeadLetters(kit, { channel: orders.name, group }, 1)
      equal(letter && recordOn(letter).attempts, '1')
      await kit.quiet('no second run', {
        watch: () => runs.runs.length,
        control: async () => runs.untilDone([(await messaging.send(orders, item(1))).id]),
      })
      deepEqual(runs.attemptsOf(id), [1])
    },
  },
  {
    id: 'RTY-02',
    part: 'attempts without end',
    needs: {
      capability: {
        name: 'retryInPlace.maxDeliveries',
        declared: (capabilities) =>
          retries.declared(capabilities) && capabilities.retryInPlace?.maxDeliveries === undefined,
      },
    },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: Infinity, delaysMs: [10] }
      const until8 = runs.handler(async ({ n }, { attempt }) => {
        if (n < 0) deadLetter('control')
        if (attempt < 8) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry }, until8)
      const { id } = await messaging.send(orders, item())
      await runs.untilDone([id], allAttemptsMs(kit, { ...retry, maxAttempts: 8 }))
      deepEqual(runs.attemptsOf(id), upTo(8))
      const control = await messaging.send(orders, hopeless)
      const letters = await untilDeadLetters(kit, { channel: orders.name, group }, 1)
      deepEqual(letters.map(idOf), [control.id], 'Infinity blocks rather than dead-letters')
    },
    async refusal(kit) {
      const messaging = await kit.connect()
      const retry = { maxAttempts: Infinity, delaysMs: [10] }
      await kit.expectUnsupported(messaging.consume(kit.channel([group]), { group, retry }, async () => {}))
    },
  },
  {
    id: 'RTY-03',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 3, delaysMs: [20] }
      const thrown: unknown[] = []
      const retryIf = (error: unknown): boolean => {
        thrown.push(error)
        if (error === broken) throw new Error('planted in retryIf')
        return error !== useless
      }
      const [useless, passing, broken] = [new TypeError('useless'), new Error('passing'), new Error('broken')]
      const errors = [useless, passing, broken]
      const failing = runs.handler(async ({ n }) => {
        throw errors[n]
      })
      await messaging.consume(orders, { group, retry, retryIf }, failing)
      const ids = await sendItems(messaging, orders, items(3))
      const letters = await untilDeadLetters(kit, { channel: orders.name, group }, 3, allAttemptsMs(kit, retry))
      deepEqual(
        ids.map((id) => runs.attemptsOf(id)),
        [[1], [1, 2, 3], [1, 2, 3]],
        'retryIf decides; when it throws, the message is retried',
      )
      const attempts = new Map(letters.map((letter) => [idOf(letter), recordOn(letter).attempts]))
      deepEqual(
        ids.map((id) => attempts.get(id)),
        ['1', '3', '3'],
      )
      ok(
        errors.every((error) => thrown.includes(error)),
        'retryIf is shown what was thrown',
      )
    },
    refusal: refusesRetries,
  },
  {
    id: 'RTY-04',
    needs: { capability: retries },
    async run(kit) {
      const laterMs = 600
      const orders = kit.channel([group])
      const faults: string[] = []
      const onEvent = ({ type, error }: { type: string; error?: Error }): void => {
        if (type === 'fault') faults.push(error?.message ?? '')
      }
      const messaging = await kit.connect({ onEvent })
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 3, delaysMs: [30] }
      const outcomes = [
        () => deadLetter('given up', { cause: new Error('the cause') }),
        () => retryLater(laterMs),
        () => retryLater(longestDelayMs + 1),
      ]
      const longestDelayMs = kit.capabilities.retryInPlace?.maxMs ?? kit.capabilities.delayedSend?.toGroupMs ?? Infinity
      const failing = runs.handler(async ({ n }) => {
        const outcome = outcomes[n % 3] as () => never
        if (n < 3) await deep(5, outcome)
        else await deep(5, outcome).catch((cause: unknown) => Promise.reject(new Error('wrapped', { cause })))
      })
      await messaging.consume(orders, { group, retry }, failing)
      const data = items(6).filter(({ n }) => n % 3 !== 2 || Number.isFinite(longestDelayMs))
      const ids = await sendItems(messaging, orders, data)
      const patienceMs = allAttemptsMs(kit, { maxAttempts: 3, delaysMs: [laterMs] })
      const letters = await untilDeadLetters(kit, { channel: orders.name, group }, ids.length, patienceMs)
      for (const [index, { n }] of data.entries()) {
        const id = ids[index] as string
        const letter = letters.find((each) => idOf(each) === id)
        const record = letter === undefined ? {} : recordOn(letter)
        deepEqual(runs.attemptsOf(id), n % 3 === 0 ? [1] : [1, 2, 3], `attempts of item ${n}`)
        equal(record.attempts, n % 3 === 0 ? '1' : '3')
        if (n === 0) deepEqual([record.type, record.message], ['DeadLetter', 'given up'])
        const [atLeastMs, promisedMs] = n % 3 === 1 ? [laterMs, laterMs] : [30, 30]
        const mostMs = promisedMs + granularityMs(kit.capabilities) + kit.timings.toleranceMs
        // A broker counts in whole milliseconds, and so do timers.
        for (const gap of gapsOf(runs.of(id)))
          ok(gap > atLeastMs - 1 && gap <= mostMs, `item ${n} came after ${gap} ms`)
      }
      const expected = data.filter(({ n }) => n % 3 === 2).length * 2
      equal(faults.filter((text) => text.includes('retryLater')).length, expected, 'a delay that cannot be had is told')
    },
    refusal: refusesRetries,
  },
]

async function deep(depth: number, outcome: () => never): Promise<void> {
  await Promise.resolve()
  if (depth === 0) outcome()
  await Promise.all([deep(depth - 1, outcome)])
}

function gapsOf(runs: readonly { readonly startedAt: number; readonly endedAt: number | undefined }[]): number[] {
  return runs.slice(1).map((run, index) => run.startedAt - (runs[index]?.endedAt ?? Number.NaN))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)
