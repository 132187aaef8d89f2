import { deepEqual, equal } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemChannel, items, sendItems } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

/** What belongs to one channel, group or instance stays there. */
export const isolation: readonly Behaviour[] = [
  {
    id: 'TOP-01',
    needs: { capability: retries },
    async run(kit) {
      const base = kit.name('items')
      const names = [
        base,
        `${base}.billing`,
        `${base}-billing`,
        `${base}_billing`,
        `${base}.billing.dead`,
        `${base}.dead`,
      ]
      await eachGetsItsOwn(kit, names, ['billing', 'dead', 'billing.dead', 'delay.100'])
    },
    refusal: refusesRetries,
  },
  {
    id: 'TOP-10',
    needs: { capability: retries },
    async run(kit) {
      const names = Array.from({ length: 20 }, () => kit.name('items'))
      await eachGetsItsOwn(kit, names, ['billing'])
    },
    refusal: refusesRetries,
  },
  {
    id: 'TOP-11',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel(['billing', 'shipping'])
      const groups = ['billing', 'shipping'] as const
      const [billing, shipping] = await Promise.all(groups.map((group) => instance(kit, group)))
      if (billing === undefined || shipping === undefined) return
      for (const each of [billing, shipping]) {
        const once = { maxAttempts: 1, delaysMs: [] }
        const retry = each === billing ? once : { maxAttempts: 2, delaysMs: [50] }
        const failing = each.runs.handler(async (_, { attempt }) => {
          if (attempt === 1) throw new Error('planted')
        })
        await each.messaging.consume(orders, { group: each.group, retry }, failing)
      }
      const byBilling = await billing.messaging.send(orders, item(1))
      const byShipping = await shipping.messaging.send(orders, item(2))
      const ids = [byBilling.id, byShipping.id]
      await shipping.runs.untilDone(ids)
      const letters = () => kit.probe.readDeadLetters(orders.name, 'billing')
      await kit.eventually('the dead letters of billing', async () => (await letters()).length >= 2)
      for (const each of [billing, shipping]) {
        const sources = each.runs.runs.map(({ id, message }) => [id, message.source, message.headers.by])
        for (const [id, source, by] of sources) {
          const sender = id === byBilling.id ? 'billing' : 'shipping'
          deepEqual([source, by], [`/${sender}/${kit.nonce}`, sender], 'what the sending instance adds')
        }
        equal(each.handled.length, each.runs.runs.length, 'the middleware sees its own instance only')
      }
      deepEqual(
        ids.map((id) => [billing.runs.attemptsOf(id), shipping.runs.attemptsOf(id)]),
        ids.map(() => [[1], [1, 2]]),
      )
      deepEqual(await kit.probe.readDeadLetters(orders.name, 'shipping'), [])
      deepEqual(kinds(billing.events), ['connected', 'deadLettered', 'deadLettered'])
      deepEqual(kinds(shipping.events), ['connected', 'retried', 'retried'])
      await billing.messaging.close()
      const { id } = await shipping.messaging.send(orders, item(3))
      await shipping.runs.untilDone([id])
      deepEqual(shipping.runs.attemptsOf(id), [1, 2], 'the other goes on when one is closed')
    },
    refusal: refusesRetries,
  },
]

/** Every group of every channel, all on one connection, gets what was sent to its channel, and nothing else. */
async function eachGetsItsOwn(kit: Kit, names: readonly string[], groups: readonly string[]): Promise<void> {
  const messaging = await kit.connect()
  const sites = names.flatMap((name) =>
    groups.map((group) => ({ orders: itemChannel(name, groups), group, runs: kit.record(`${name} ${group}`) })),
  )
  for (const { orders, group, runs } of sites) {
    await messaging.consume(orders, { group, retry: { maxAttempts: 2, delaysMs: [100] } }, runs.handler())
  }
  const ids = new Map<string, readonly string[]>()
  const sendTo = async (name: string): Promise<void> => {
    ids.set(name, await sendItems(messaging, itemChannel(name, groups), items(10)))
  }
  await Promise.all(names.map(sendTo))
  const expected = (name: string): readonly string[] => ids.get(name) ?? []
  for (const { orders, runs } of sites) await runs.untilDone(expected(orders.name))
  await kit.quiet('nothing else comes', {
    watch: () => sites.map(({ runs }) => runs.runs.length),
    control: async () => {
      const [first] = sites
      if (first === undefined) return
      const before = expected(first.orders.name)
      await sendTo(first.orders.name)
      for (const { orders, runs } of sites) if (orders.name === first.orders.name) await runs.untilRuns(20)
      ids.set(first.orders.name, [...before, ...expected(first.orders.name)])
    },
  })
  for (const { orders, runs } of sites) runs.expectOnce(expected(orders.name))
}

async function instance<G extends string>(kit: Kit, group: G) {
  const events: MessagingEvent[] = []
  const handled: string[] = []
  const messaging = await kit.connect({
    source: `/${group}/${kit.nonce}`,
    onEvent: (event) => void events.push(event),
    middleware: [
      {
        async send(outgoing, next) {
          outgoing.headers.by = group
          await next()
        },
        async handle(context, next) {
          handled.push(context.message.id)
          await next()
        },
      },
    ],
  })
  return { group, events, handled, messaging, runs: kit.record(group) }
}

function kinds(events: readonly MessagingEvent[]): string[] {
  return events.map(({ type }) => type)
}
