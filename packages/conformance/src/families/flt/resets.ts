import { deepEqual, ok } from 'node:assert/strict'
import type { Driver } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { Link } from '../../faults.ts'
import { itemIn, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { wrapConnection, wrapConnections } from '../../wrapped-driver.ts'
import { group } from './load.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const perRound = 30

/** The connection goes in the very tick in which something is said to the broker. */
export const resets: readonly Behaviour[] = [
  {
    id: 'FLT-14',
    tags: ['long'],
    needs: { faults: ['cut'] },
    deadlineMs: 60_000,
    async run(kit) {
      const rounds = kit.size('rounds', { reduced: 5, full: 100 })
      const link = await kit.link()
      const orders = kit.channel([group])
      const sender = await kit.connect()
      const scissors = cutAtSettlement(link, 10)
      const messaging = await kit.connect({ link, wrap: scissors.wrap })
      const runs = kit.record(group)
      await messaging.consume(orders, { group, concurrency: 8 }, runs.handler())
      const ids: string[] = []
      for (let round = 0; round < rounds; round++) {
        scissors.arm()
        ids.push(...(await sendItems(sender, orders, items(perRound))))
        await runs.untilDone(ids, kit.timings.recoverMs)
      }
      ok(scissors.cuts >= rounds, `${scissors.cuts} resets in ${rounds} rounds`)
      runs.expectAll(ids)
      const most = Math.max(...ids.map((id) => runs.of(id).length))
      ok(most <= scissors.cuts + 1, `one message was handled ${most} times in ${scissors.cuts} resets`)
      if (kit.capabilities.retryInPlace === undefined) {
        ok(
          runs.runs.every(({ attempt }) => attempt === 1),
          `a redelivery is no attempt\n${runs}`,
        )
      }
      await expectSettled(kit, orders.name)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'dead letters')
    },
  },
  {
    id: 'FLT-14',
    part: 'of retries and dead letters',
    tags: ['long'],
    needs: { capability: retries, faults: ['cut'] },
    deadlineMs: 60_000,
    async run(kit) {
      const rounds = kit.size('rounds', { reduced: 4, full: 50 })
      const link = await kit.link()
      const orders = kit.channel([group])
      const sender = await kit.connect()
      const scissors = cutAtSettlement(link, 7)
      const messaging = await kit.connect({ link, wrap: scissors.wrap })
      const runs = kit.record<Item>(group)
      const handler = runs.handler(async ({ n }) => {
        if (n % 3 === 0) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry: { maxAttempts: 2, delaysMs: [50] } }, handler)
      const good: string[] = []
      const bad: string[] = []
      for (let round = 0; round < rounds; round++) {
        scissors.arm()
        const ids = await sendItems(sender, orders, items(perRound))
        for (const [n, id] of ids.entries()) (n % 3 === 0 ? bad : good).push(id)
        await runs.untilDone(good, kit.timings.recoverMs)
        const dead = async (): Promise<boolean> => {
          const letters = await kit.probe.readDeadLetters(orders.name, group)
          const found = new Set(letters.map(({ attributes }) => attributes.id))
          return bad.every((id) => found.has(id))
        }
        await kit.eventually('every bad message is a dead letter', dead, kit.timings.recoverMs)
      }
      ok(scissors.cuts >= rounds, `${scissors.cuts} resets in ${rounds} rounds`)
      const letters = await kit.probe.readDeadLetters(orders.name, group)
      const strays = letters.filter(({ attributes }) => !bad.includes(attributes.id ?? ''))
      deepEqual(strays, [], 'good messages among the dead letters')
      await expectSettled(kit, orders.name)
    },
    refusal: refusesRetries,
  },
  {
    id: 'FLT-15',
    tags: ['long'],
    needs: { faults: ['cut'] },
    deadlineMs: 60_000,
    run: (kit) => sendThroughResets(kit, false),
  },
  {
    id: 'FLT-15',
    part: 'keyed',
    tags: ['long'],
    needs: { faults: ['cut'], capability: { name: 'order', declared: ({ order }) => order !== 'none' } },
    deadlineMs: 60_000,
    run: (kit) => sendThroughResets(kit, true),
    async refusal(kit) {
      const messaging = await kit.connect()
      await kit.expectUnsupported(messaging.producer(kit.channel([group], { ordering: 'key' })))
    },
  },
]

async function sendThroughResets(kit: Kit, keyed: boolean): Promise<void> {
  const rounds = kit.size('rounds', { reduced: 6, full: 100 })
  const link = await kit.link()
  const orders = keyed ? kit.channel([group], { ordering: 'key' }) : kit.channel([group])
  const scissors = cutAtSend(link)
  const messaging = await kit.connect({ link, wrap: scissors.wrap })
  await messaging.producer(orders)
  const ids: string[] = []
  for (let round = 0; round < rounds; round++) {
    scissors.arm(round % 2 === 0 ? 'after' : 'before')
    const data = items(perRound, { keys: 3 }).map((each) => ({ ...each, n: each.n + round * perRound }))
    ids.push(...(await kit.within('the sends', sendItems(messaging, orders, data), kit.timings.recoverMs)))
  }
  ok(scissors.cuts >= rounds, `${scissors.cuts} resets in ${rounds} rounds`)
  const found = await kit.probe.extract({ channel: orders.name, group })
  deepEqual([...new Set(found.map(({ attributes }) => attributes.id))].sort(), [...ids].sort(), 'what the broker has')
  kit.log.note(`${found.length - ids.length} copies more than sent`)
  if (!keyed) return
  for (const key of ['k0', 'k1', 'k2']) {
    const order = found.map(({ body }) => itemIn(body)).filter((each) => each.key === key)
    const firsts = [...new Set(order.map(({ n }) => n))]
    deepEqual(
      firsts,
      [...firsts].sort((a, b) => a - b),
      `the order of ${key} at the broker, first copies`,
    )
  }
}

interface Scissors<Where> {
  readonly cuts: number
  arm(where: Where): void
  wrap(driver: Driver): Driver
}

/** Cuts in the tick in which the driver hears of the `nth` settlement after `arm`. */
function cutAtSettlement(link: Link, nth: number): Scissors<void> {
  let left = Infinity
  let cuts = 0
  return {
    arm: () => void (left = nth),
    get cuts() {
      return cuts
    },
    wrap: (driver) =>
      wrapConnections(driver, (connection) =>
        wrapConnection(connection, {
          listen: (request, onDelivery) =>
            connection.listen(request, async (delivery) => {
              const settlement = await onDelivery(delivery)
              if (--left === 0) {
                cuts++
                queueMicrotask(() => void link.cut())
              }
              return settlement
            }),
        }),
      ),
  }
}

/** Cuts around the first batch after `arm`: before it is handed over, or when it has just been. */
function cutAtSend(link: Link): Scissors<'before' | 'after'> {
  let armed: 'before' | 'after' | undefined
  let cuts = 0
  const cut = (): void => {
    cuts++
    armed = undefined
    void link.cut()
  }
  return {
    arm: (where) => void (armed = where),
    get cuts() {
      return cuts
    },
    wrap: (driver) =>
      wrapConnections(driver, (connection) =>
        wrapConnection(connection, {
          send(to, batch, done) {
            if (armed === 'before') cut()
            connection.send(to, batch, done)
            if (armed === 'after') cut()
          },
        }),
      ),
  }
}

async function expectSettled(kit: Kit, channel: string): Promise<void> {
  const at = { channel, group }
  const isEmpty = async (): Promise<boolean> =>
    (await kit.probe.depth(at)) === 0 && (await kit.probe.unsettled(at)) === 0
  await kit.eventually('all is settled', isEmpty, kit.timings.recoverMs)
}
