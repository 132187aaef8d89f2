import { deepEqual, equal, ok } from 'node:assert/strict'
import { deadLetter, type Handler } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems, type Item } from '../../item.ts'
import { listenRaw } from './raw-listener.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'
const accept = { kind: 'accept' } as const
const release = { kind: 'release' } as const

/** What was handled is done, however long it took and whatever was settled beside it. */
export const accepts: readonly Behaviour[] = [
  {
    id: 'SET-01',
    async run(kit) {
      const orders = kit.channel([group])
      const runs = kit.record<Item>(group)
      const first = await kit.connect()
      await first.consume(orders, { group }, runs.handler())
      const ids = await sendItems(first, orders, items(50))
      await runs.untilDone(ids)
      await kit.quiet('nothing returns while its consumer stays', {
        forMs: 2 * kit.timings.leaseMs,
        watch: () => runs.runs.length,
        control: () => sendItems(first, orders, items(1)).then(() => runs.untilRuns(51)),
      })
      await first.close()
      const second = await kit.connect()
      await second.consume(orders, { group }, runs.handler())
      await kit.quiet('nothing returns once its consumer is gone', {
        watch: () => runs.runs.length,
        control: () => sendItems(second, orders, items(1)).then(() => runs.untilRuns(52)),
      })
      equal(new Set(runs.runs.map(({ id }) => id)).size, 52)
      deepEqual(new Set(runs.runs.map(({ attempt }) => attempt)), new Set([1]))
      await second.close()
      equal(await kit.probe.depth({ channel: orders.name, group }), 0)
    },
  },
  {
    id: 'SET-01',
    part: 'by the thousand, right before the end',
    async run(kit) {
      const count = 4_000
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const [even, odd] = [kit.gate(), kit.gate()]
      const runs = kit.record<Item>(group)
      const messaging = await kit.connect()
      await sendItems(messaging, orders, items(count))
      const first = runs.handler(({ n }) => (n % 2 === 0 ? even : odd).opened)
      const consumer = await messaging.consume(orders, { group, concurrency: count }, first)
      await runs.untilRuns(count, kit.timings.arriveMs + kit.timings.recoverMs)
      const closing = consumer.close()
      await kit.sleep(kit.timings.quietMs)
      // In two turns, so that what is settled first are not just all that there are.
      even.open()
      await kit.sleep(0)
      odd.open()
      await kit.within('close', closing, kit.timings.recoverMs)
      // What the broker did not take for settled is given back when the consumer is gone.
      await kit.sleep(kit.timings.quietMs)
      equal(await kit.probe.depth(at), 0, 'messages that came back')
      const heir = await kit.connect()
      await heir.consume(orders, { group }, runs.handler(undefined, 'heir'))
      const [control = ''] = await sendItems(heir, orders, items(1))
      await runs.untilDone([control])
      equal(runs.runs.length, count + 1)
    },
  },
  {
    id: 'SET-10',
    async run(kit) {
      const orders = kit.channel([group])
      const runs = kit.record<Item>(group)
      const longMs = 3 * Math.max(kit.timings.leaseMs, kit.timings.heartbeatMs)
      const aborted: unknown[] = []
      const slow = runs.handler(async ({ n }, { signal }) => {
        if (n === 0) await kit.sleep(longMs)
        if (signal.aborted) aborted.push(signal.reason)
      })
      const messaging = await kit.connect()
      await messaging.consume(orders, { group, concurrency: 2 }, slow)
      const [id = ''] = await sendItems(messaging, orders, items(1))
      await runs.untilDone([id], longMs + kit.timings.arriveMs)
      const [run] = runs.of(id)
      const tookMs = (run?.endedAt ?? 0) - (run?.startedAt ?? 0)
      ok(tookMs >= longMs - 5, `it ran ${tookMs} of ${longMs} ms`)
      await kit.quiet('it does not come again', {
        forMs: kit.timings.leaseMs,
        watch: () => runs.runs.length,
        control: () => sendItems(messaging, orders, [item(1)]).then(() => runs.untilRuns(2)),
      })
      deepEqual(runs.attemptsOf(id), [1])
      deepEqual(aborted, [], 'the lease was kept')
      await messaging.close()
      equal(await kit.probe.depth({ channel: orders.name, group }), 0, 'its settlement counted')
    },
  },
  {
    id: 'SET-16',
    tags: ['long'],
    needs: { capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const pairs = kit.size('pairs', { reduced: 1_000, full: 10_000 })
      const orders = kit.channel([group], { keyless: true })
      const runs = kit.record<Item>(group)
      const planned = new Map<string, 'accept' | 'deadLetter' | 'retry'>()
      const pair = pairing(pairs)
      const settling: Handler<Item> = async (_, { message, attempt }) => {
        if (attempt > 1) return
        const outcome = await pair()
        planned.set(message.id, outcome)
        if (outcome === 'deadLetter') deadLetter('planted')
        if (outcome === 'retry') throw new Error('planted')
      }
      const messaging = await kit.connect()
      const retry = { maxAttempts: 2, delaysMs: [50] }
      await messaging.consume(orders, { group, concurrency: 32, retry }, runs.handler(settling))
      const ids = await sendItems(messaging, orders, items(2 * pairs))
      const expectedRuns = 2 * pairs + pairs / 2
      await runs.untilRuns(expectedRuns, 30_000)
      await kit.eventually('all settled', () => runs.runs.every(({ outcome }) => outcome !== 'running'))
      const of = (outcome: string): string[] => ids.filter((id) => planned.get(id) === outcome).sort()
      equal(of('accept').length, pairs)
      const letters = async (): Promise<string[]> =>
        (await kit.probe.readDeadLetters(orders.name, group)).map(({ attributes }) => attributes.id ?? '').sort()
      await kit.eventually('the dead letters', async () => (await letters()).length >= pairs / 2)
      deepEqual(await letters(), of('deadLetter'), 'the dead letters are those that were to be')
      for (const id of ids) deepEqual(runs.attemptsOf(id), planned.get(id) === 'retry' ? [1, 2] : [1])
      await messaging.close()
      equal(await kit.probe.depth({ channel: orders.name, group }), 0)
      equal(runs.runs.length, expectedRuns, 'no run more')
    },
    refusal: refusesRetries,
  },
  {
    id: 'SET-16',
    part: 'accept beside release',
    async run(kit) {
      const pairs = 500
      const orders = kit.channel([group], { keyless: true })
      const { deliveries, listener, connection } = await listenRaw(kit, orders, { maxInFlight: 2 * pairs })
      const sender = await kit.connect()
      const ids = await sendItems(sender, orders, items(2 * pairs))
      await kit.eventually('all delivered', () => deliveries.length === 2 * pairs)
      const draining = listener.drain()
      const released = new Set<string>()
      for (let index = 0; index < 2 * pairs; index += 2) {
        const [first, second] = (index / 2) % 2 === 0 ? [accept, release] : [release, accept]
        for (const [offset, settlement] of [first, second].entries()) {
          const delivery = deliveries[index + offset]
          if (settlement === release) released.add(delivery?.id ?? '')
          delivery?.settle(settlement)
        }
        if (index % 50 === 0) await new Promise((next) => setImmediate(next))
      }
      await kit.within('the drain', draining)
      await connection.close()
      const left = await kit.eventually(
        'the released ones are back',
        async () => {
          const depth = await kit.probe.depth({ channel: orders.name, group })
          return depth >= released.size && (await kit.probe.extract({ channel: orders.name, group }))
        },
        kit.timings.arriveMs + kit.timings.leaseMs,
      )
      const back = left.map(({ attributes }) => attributes.id ?? '').sort()
      if (kit.capabilities.settlement === 'individual') deepEqual(back, [...released].sort(), 'these and no others')
      else
        ok(
          [...released].every((id) => back.includes(id)),
          'all of them, and what came after them',
        )
      equal(released.size, pairs)
      equal(ids.length, 2 * pairs)
    },
  },
]

/**
 * Two runs at a time come out together, in one tick, with outcomes that differ: accept beside dead letter and beside
 * retry, each in both orders. Waits for no partner once `pairs` are through.
 */
function pairing(pairs: number): () => Promise<'accept' | 'deadLetter' | 'retry'> {
  const outcomes = [
    ['accept', 'deadLetter'],
    ['deadLetter', 'accept'],
    ['accept', 'retry'],
    ['retry', 'accept'],
  ] as const
  let waiting: ((outcome: 'accept' | 'deadLetter' | 'retry') => void) | undefined
  let through = 0
  return () =>
    new Promise((resolve) => {
      if (waiting === undefined && through < pairs) {
        waiting = resolve
        return
      }
      const [first, second] = outcomes[through++ % 4] ?? outcomes[0]
      waiting?.(first)
      resolve(second)
      waiting = undefined
    })
}
