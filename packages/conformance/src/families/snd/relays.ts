import { deepEqual, equal } from 'node:assert/strict'
import type { IdempotencyStore, PreparedMessage } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items, sendItems } from '../../item.ts'

const group = 'billing'

/** Sends on behalf of something else: a handler, an outbox. */
export const relays: readonly Behaviour[] = [
  {
    id: 'SND-13',
    async run(kit) {
      const incoming = kit.channel([group])
      const outgoing = kit.channel([group])
      const messaging = await kit.connect()
      const relayed: string[] = []
      const arrived = kit.record(group)
      await messaging.consume(outgoing, { group, concurrency: 4 }, arrived.handler())
      await messaging.consume(incoming, { group, concurrency: 4 }, async (data, { send }) => {
        relayed.push((await send(outgoing, data)).id)
      })
      await sendItems(messaging, incoming, items(200))
      await kit.eventually('200 messages relayed', () => relayed.length >= 200)
      await arrived.untilDone(relayed)
      equal(arrived.expectAll(relayed), 0)
    },
  },
  {
    id: 'SND-15',
    async run(kit) {
      const orders = kit.channel([group])
      const one = await kit.connect()
      const options = { headers: { 'Trace-Name': 'ä ✓' }, key: 'k' }
      const prepared = await one.prepare(orders, item(0, { text: 'ü' }), options)
      const stored = store(prepared)
      await one.close()
      const other = await kit.connect({ source: '/another/process' })
      const consumer = await kit.connect()
      await other.producer(orders)
      await other.sendPrepared([load(stored)])
      const [first] = await kit.probe.extract({ channel: orders.name, group })
      await other.sendPrepared([load(stored)])
      const [second] = await kit.probe.extract({ channel: orders.name, group })
      equal(first?.attributes.id, prepared.id)
      equal(first?.attributes.source, `/conformance/${kit.nonce}`)
      equal(first?.headers['Trace-Name'], 'ä ✓')
      deepEqual(Buffer.from(first?.body ?? []), Buffer.from(prepared.body ?? []))
      deepEqual(second, first, 'both copies are the same')
      await other.sendPrepared([load(stored), load(stored)])
      const runs = kit.record(group)
      await consumer.consume(orders, { group, idempotency: { store: rememberAll() } }, runs.handler())
      await runs.untilRuns(1)
      await kit.quiet('the second copy is not handled', {
        watch: () => runs.runs.length,
        control: async () => {
          await sendItems(other, orders, items(1))
          await runs.untilRuns(2)
        },
      })
    },
  },
]

/** As an outbox table would keep it. */
function store({ body, ...rest }: PreparedMessage): string {
  return JSON.stringify({ ...rest, body: body === undefined ? undefined : Buffer.from(body).toString('base64') })
}

function load(text: string): PreparedMessage {
  const { body, deliverAt, ...rest } = JSON.parse(text)
  return {
    ...rest,
    key: rest.key,
    body: body === undefined ? undefined : Buffer.from(body, 'base64'),
    deliverAt: deliverAt === undefined ? undefined : new Date(deliverAt),
  }
}

/** The least a store can be: one process, nothing expires. */
function rememberAll(): IdempotencyStore {
  const claims = new Map<string, 'busy' | 'completed'>()
  const nameOf = ({ scope, key }: { scope: string; key: string }): string => `${scope} ${key}`
  return {
    retentionMs: Number.POSITIVE_INFINITY,
    async claim(request) {
      const name = nameOf(request)
      const known = claims.get(name)
      if (known === 'completed') return { outcome: 'completed' }
      if (known === 'busy') return { outcome: 'busy', retryAfterMs: 20 }
      claims.set(name, 'busy')
      return { outcome: 'acquired', fence: 1 }
    },
    complete: async (holder) => Boolean(claims.set(nameOf(holder), 'completed')),
    renew: async () => true,
    release: async (holder) => claims.delete(nameOf(holder)),
  }
}
