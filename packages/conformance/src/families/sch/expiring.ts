import { deepEqual, equal, ok } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, sendItems } from '../../item.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const group = 'billing'

/** Messages that are of no use later. */
export const expiring: readonly Behaviour[] = [
  {
    id: 'SCH-04',
    async run(kit) {
      const orders = kit.channel([group])
      const events: MessagingEvent[] = []
      const messaging = await kit.connect({ onEvent: (event) => void events.push(event) })
      const old = await messaging.send(orders, item(0), { expiresInMs: 200 })
      const fresh = await messaging.send(orders, item(1), { expiresInMs: 600_000 })
      const [plain = ''] = await sendItems(messaging, orders, [item(2)])
      await kit.sleep(250)
      const runs = kit.record(group)
      await messaging.consume(orders, { group }, runs.handler())
      await runs.untilDone([fresh.id, plain])
      await kit.quiet('the expired one is not handled', {
        watch: () => runs.runs.length,
        control: async () => runs.untilDone([(await messaging.send(orders, item(3), { expiresInMs: 60_000 })).id]),
      })
      equal(runs.of(old.id).length, 0)
      const isGone = async (): Promise<boolean> =>
        (await kit.probe.depth({ channel: orders.name, group })) === 0 &&
        (await kit.probe.unsettled({ channel: orders.name, group })) === 0
      await kit.eventually('it does not stay at the broker', isGone)
      deepEqual(await kit.probe.readDeadLetters(orders.name, group), [], 'an expired message is no dead letter')
      if (kit.capabilities.nativeExpiry) return
      const told = events.filter(({ type, messageId }) => type === 'fault' && messageId === old.id)
      equal(told.length, 1, 'and it is told of once')
    },
  },
  {
    id: 'SCH-04',
    part: 'in batches',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const handled: string[] = []
      await messaging.send(orders, item(0), { expiresInMs: 100 })
      await kit.sleep(150)
      const fresh = await messaging.send(orders, item(1), { expiresInMs: 600_000 })
      const each = async (messages: readonly { readonly id: string }[]): Promise<void> =>
        void handled.push(...messages.map(({ id }) => id))
      await messaging.consumeBatch(orders, { group, maxSize: 10, maxWaitMs: 50 }, each)
      await kit.eventually('the fresh one is handled', () => handled.includes(fresh.id))
      await kit.quiet('the expired one is not handled', {
        watch: () => handled.length,
        control: async () => {
          const { id } = await messaging.send(orders, item(2))
          await kit.eventually('the control is handled', () => handled.includes(id))
        },
      })
      equal(handled.length, 2)
    },
  },
  {
    id: 'SCH-04',
    part: 'and dead letters',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record(group)
      let works = false
      const handler = runs.handler(async () => {
        if (!works) throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry: { maxAttempts: 1, delaysMs: [] } }, handler)
      const { id } = await messaging.send(orders, item(), { expiresInMs: 700 })
      const isDead = async (): Promise<boolean> => (await kit.probe.readDeadLetters(orders.name, group)).length > 0
      await kit.eventually('the dead letter', isDead)
      await kit.sleep(900)
      const letters = await kit.probe.readDeadLetters(orders.name, group)
      deepEqual(
        letters.map(({ attributes }) => attributes.id),
        [id],
        'a dead letter does not expire',
      )
      works = true
      const { redriven, failed } = await messaging.deadLetters(orders, group).redrive('all')
      deepEqual({ redriven, failed }, { redriven: 1, failed: [] })
      await runs.untilDone([id])
    },
  },
  {
    id: 'SCH-04',
    part: 'between attempts',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record(group)
      const handler = runs.handler(async () => {
        throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry: { maxAttempts: 2, delaysMs: [800] } }, handler)
      const { id } = await messaging.send(orders, item(), { expiresInMs: 500 })
      const letters = await kit.eventually(
        'a message that failed once is not dropped when its time is over',
        async () => {
          const found = await kit.probe.readDeadLetters(orders.name, group)
          return found.length > 0 ? found : undefined
        },
        800 + kit.timings.arriveMs,
      )
      deepEqual(
        letters.map(({ attributes }) => attributes.id),
        [id],
      )
      ok(runs.of(id).length >= 1 && runs.of(id).length <= 2, `${runs}`)
    },
    refusal: refusesRetries,
  },
]
