import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import type { Kit, KitConnectOptions } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { newStore } from '../idm/stores.ts'
import { idOf, ordered, refusesOrder } from '../rty/letters.ts'
import { group, Load } from './load.ts'

const publishers = 16
const burst = 5
/** The promise is that no send rejects before this. */
const deadlineMs = 60_000
const poisonEvery = 100
const retry = { maxAttempts: 3, delaysMs: [50] }

/** All promises at once: no send fails, effects are done once and in order, dead letters are what failed every time. */
export const once: readonly Behaviour[] = [
  {
    id: 'FLT-02',
    part: 'every effect once, in order',
    tags: ['long'],
    needs: { faults: ['kill'], capability: ordered },
    deadlineMs: 120_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 500, full: 10_000 })
      const times = kit.size('kills', { reduced: 1, full: 20 })
      await onceThrough(kit, { count, times, pauseMs: 400, fault: () => kit.faults.kill() })
    },
    refusal: refusesOrder,
  },
  {
    id: 'FLT-03',
    part: 'every effect once, in order',
    tags: ['long'],
    needs: { faults: ['cut'], capability: ordered },
    deadlineMs: 120_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 1_000, full: 10_000 })
      const times = kit.size('resets', { reduced: 20, full: 200 })
      const link = await kit.link()
      await onceThrough(kit, { count, times, pauseMs: 150, connect: { link }, fault: () => link.cut() })
    },
    refusal: refusesOrder,
  },
]

interface OnceOptions {
  readonly count: number
  /** How often `fault` strikes, evenly over the messages. */
  readonly times: number
  /** What a publisher waits between its bursts, on average: so slow that the last fault still meets a live load. */
  readonly pauseMs: number
  readonly connect?: KitConnectOptions
  fault(): Promise<void>
}

async function onceThrough(kit: Kit, { count, times, pauseMs, connect = {}, fault }: OnceOptions): Promise<void> {
  const load = new Load(kit, await kit.connect(connect), kit.channel([group], { ordering: 'key' }))
  const { ledger, messaging, channel } = load
  const isPoison = ({ n }: Item): boolean => n % poisonEvery === poisonEvery - 1
  const effects = new Map<string, number[]>()
  const handler = load.handler(async (each) => {
    await kit.sleep(1 + (each.n % 5))
    if (isPoison(each)) throw new Error('planted')
    effects.set(each.key, [...(effects.get(each.key) ?? []), each.n])
  })
  const idempotency = { store: newStore(kit) }
  await messaging.consume(channel, { group, concurrency: 16, retry, idempotency }, handler)
  let next = 0
  let disturbed = true
  let slowestMs = 0
  const poison = new Set<string>()
  const sendOne = async (key: string): Promise<void> => {
    const each = item(next++, { key })
    if (isPoison(each)) poison.add(`${kit.nonce}-${each.n}`)
    const startedAt = monotonicMs()
    await load.send(each, { timeoutMs: deadlineMs })
    slowestMs = Math.max(slowestMs, monotonicMs() - startedAt)
  }
  const publish = async (_: unknown, index: number): Promise<void> => {
    while ((disturbed || next < count) && !kit.signal.aborted) {
      await Promise.all(Array.from({ length: burst }, () => sendOne(`k${index}`)))
      await load.room()
      await kit.sleep(pauseMs * (0.5 + Math.random()))
    }
  }
  const strike = async (): Promise<void> => {
    for (let time = 0; time < times; time++) {
      await load.progress(Math.floor(count / (times + 1)))
      kit.step(`${time} of ${times} faults, ${ledger.handledMessages} messages handled`)
      await fault()
    }
  }
  await load.while(strike, Array.from({ length: publishers }, publish), () => (disturbed = false))
  await load.untilHandled(kit.timings.recoverMs + kit.timings.arriveMs, poison)
  const letters = await kit.eventually(
    'the dead letters',
    async () => {
      const found = await kit.probe.readDeadLetters(channel.name, group)
      return new Set(found.map(idOf)).size >= poison.size && found
    },
    kit.timings.recoverMs,
  )
  for (const letter of letters) ledger.deadLettered(idOf(letter) ?? '')
  ledger.expectWhole()
  kit.account(ledger.account, {
    faults: times,
    slowestSendMs: Math.round(slowestMs),
    copiesOfDeadLetters: letters.length - poison.size,
  })
  deepEqual(ledger.duplicated, [], 'effects done twice')
  deepEqual(new Set(letters.map(idOf)), poison, 'the dead letters are those that failed every time')
  for (const [key, numbers] of effects)
    deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
      `the order of ${key}`,
    )
  equal(effects.size, publishers)
  ok(slowestMs < deadlineMs, `the slowest send took ${slowestMs} ms`)
  await load.expectNothingLeft()
  await kit.within('closing', messaging.close({ drainMs: 5_000 }), 10_000)
}
