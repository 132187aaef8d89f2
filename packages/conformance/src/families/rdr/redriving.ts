import { deepEqual, equal, ok } from 'node:assert/strict'
import { MessagingError, deadLetter, type DeadLetter } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemIn, items, type Item } from '../../item.ts'
import { wrapConnection, wrapConnections } from '../../wrapped-driver.ts'
import { allAttemptsMs, recordOn, refusesRetries, retries, untilDeadLetters, untilEmpty } from '../rty/letters.ts'
import { deadIds, deadItems, group, once } from './dead-messages.ts'

/** Giving dead letters another chance. */
export const redriving: readonly Behaviour[] = [
  {
    id: 'RDR-02',
    async run(kit) {
      const orders = kit.channel([group, 'shipping'])
      const messaging = await kit.connect()
      const shipping = kit.record<Item>('shipping')
      await messaging.consume(orders, { group: 'shipping', retry: once }, shipping.handler())
      const ids = await deadItems(kit, messaging, orders, items(5))
      await shipping.untilDone(ids)
      const billing = kit.record<Item>(group)
      await messaging.consume(orders, { group, retry: once }, billing.handler())
      const chosen = ids.slice(0, 2)
      const letters = messaging.deadLetters(orders, group)
      deepEqual(await letters.redrive({ ids: chosen }), { redriven: 2, failed: [] })
      await billing.untilDone(chosen)
      deepEqual(await deadIds(kit, orders.name), ids.slice(2).sort(), 'the others stay')
      deepEqual(await letters.redrive('all'), { redriven: 3, failed: [] })
      await billing.untilDone(ids)
      await kit.quiet('the other group sees nothing of it', {
        watch: () => shipping.runs.length,
        control: async () => shipping.untilDone([(await messaging.send(orders, item(9))).id]),
      })
      billing.expectOnce(billing.runs.map(({ id }) => id))
      deepEqual([...new Set(billing.runs.map(({ attempt }) => attempt))], [1])
      equal(shipping.runs.length, 6)
      await untilEmpty(kit, { channel: orders.name, group, lane: 'dead' })
    },
  },
  {
    id: 'RDR-03',
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const messaging = await kit.connect()
      await messaging.producer(orders)
      const headers = { 'Trace-Name': 'ä ✓ 100 %', empty: '', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
      const options = { headers, key: 'schlüssel ✓', correlationId: 'c-1' }
      const readable = await messaging.prepare(orders, item(0, { text: 'ü' }), options)
      const unreadable = { ...readable, id: `${readable.id}-2`, body: Uint8Array.of(0, 255, 254, 10, 13, 0) }
      const bodiless = { ...readable, id: `${readable.id}-3`, body: undefined }
      for (const message of [readable, unreadable, bodiless]) {
        await messaging.sendPrepared([message])
        const [sent] = await kit.probe.extract(at)
        const failing = await messaging.consume(orders, { group, retry: once }, async () => {
          throw new Error('planted')
        })
        await messaging.sendPrepared([message])
        const [letter] = await untilDeadLetters(kit, at, 1)
        ok(letter && Object.keys(recordOn(letter)).length > 0)
        await failing.close()
        deepEqual(await messaging.deadLetters(orders, group).redrive('all'), { redriven: 1, failed: [] })
        const [redriven, ...others] = await kit.probe.extract(at)
        equal(others.length, 0)
        deepEqual(redriven, sent, 'as it was sent, and no trace of the failure')
      }
    },
  },
  {
    id: 'RDR-04',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record<Item>(group)
      const retry = { maxAttempts: 3, delaysMs: [20] }
      const failing = runs.handler(async (_, { attempt }) => {
        if (runs.runs.length > 3 && attempt === 2) deadLetter('given up in the second pass')
        throw new Error('planted in the first pass')
      })
      await messaging.consume(orders, { group, retry }, failing)
      const { id } = await messaging.send(orders, item())
      const at = { channel: orders.name, group }
      const [first] = await untilDeadLetters(kit, at, 1, allAttemptsMs(kit, retry))
      equal(first && recordOn(first).attempts, '3')
      deepEqual(await messaging.deadLetters(orders, group).redrive({ ids: [id] }), { redriven: 1, failed: [] })
      await kit.eventually('the second pass is over', () => runs.runs[4]?.endedAt !== undefined)
      const [second, ...others] = await untilDeadLetters(kit, at, 1, allAttemptsMs(kit, retry))
      ok(second)
      equal(others.length, 0)
      deepEqual(runs.attemptsOf(id), [1, 2, 3, 1, 2], 'a redriven message starts again')
      const { attempts, message } = recordOn(second)
      deepEqual([attempts, message], ['2', 'given up in the second pass'])
      equal(second.attributes.id, id)
    },
    refusal: refusesRetries,
  },
  {
    id: 'RDR-05',
    async run(kit) {
      const orders = kit.channel([group, 'shipping'])
      const messaging = await kit.connect()
      const shipping = kit.record<Item>('shipping')
      await messaging.consume(orders, { group: 'shipping', retry: once }, shipping.handler())
      const data = items(3, { keys: 3, text: 'wrong' })
      const ids = await deadItems(kit, messaging, orders, data, { headers: { mine: 'kept' } })
      const [, old] = ids as [string, string, string]
      const letters = messaging.deadLetters(orders, group)
      await kit.expectRejection('notFound', letters.replace('no such id', item(1)))
      await kit.expectRejection('invalidArgument', letters.replace(old, { n: 'no number' } as never))
      deepEqual(await deadIds(kit, orders.name), [...ids].sort(), 'a replacement that is none changes nothing')
      const { id } = await letters.replace(old, item(1, { key: 'k1', text: 'right' }))
      ok(id !== old, 'the corrected copy is another message')
      deepEqual(await deadIds(kit, orders.name), ids.filter((each) => each !== old).sort())
      const [corrected, ...others] = await kit.probe.extract({ channel: orders.name, group })
      ok(corrected)
      equal(others.length, 0)
      deepEqual(itemIn(corrected.body), item(1, { key: 'k1', text: 'right' }))
      deepEqual([corrected.attributes.id, corrected.key], [id, 'k1'])
      deepEqual([corrected.headers['waybill-replaces'], corrected.headers.mine], [old, 'kept'])
      deepEqual(recordOn(corrected), {})
      await kit.quiet('the other group sees nothing of it', {
        watch: () => shipping.runs.length,
        control: async () => shipping.untilDone([(await messaging.send(orders, item(9))).id]),
      })
      ok(!shipping.runs.some((run) => run.id === id))
    },
  },
  {
    id: 'RDR-07',
    async run(kit) {
      const bad = new Set<string | undefined>()
      const refusing = (driver: Parameters<typeof wrapConnections>[0]) =>
        wrapConnections(driver, (connection) =>
          wrapConnection(connection, {
            send(to, batch, done) {
              const good = [...batch.keys()].filter((index) => !bad.has(batch[index]?.message.id))
              if (to.group === undefined || good.length === batch.length) return connection.send(to, batch, done)
              for (const index of batch.keys()) {
                const error = new MessagingError('tooLarge', 'planted')
                if (!good.includes(index)) done(index, { error, outcome: 'notSent' })
              }
              const entries = good.map((index) => batch[index] as (typeof batch)[number])
              if (good.length > 0)
                connection.send(to, entries, (index, failure) => done(good[index] as number, failure))
            },
          }),
        )
      const orders = kit.channel([group])
      const messaging = await kit.connect({ wrap: refusing })
      const ids = await deadItems(kit, messaging, orders, items(10))
      bad.add(ids[3])
      const runs = kit.record<Item>(group)
      await messaging.consume(orders, { group, retry: once }, runs.handler())
      const broken = ids[7]
      const where = ({ message }: DeadLetter): boolean => {
        if (message.id === broken) throw new Error('planted in where')
        return true
      }
      const { redriven, failed } = await messaging.deadLetters(orders, group).redrive({ where })
      equal(redriven, 8)
      deepEqual(
        [...failed].sort((a, b) => a.id.localeCompare(b.id)).map(({ id, error }) => [id, error.message]),
        [
          [ids[3], 'planted'],
          [broken, 'planted in where'],
        ],
      )
      const good = ids.filter((id) => id !== ids[3] && id !== broken)
      await runs.untilDone(good)
      runs.expectOnce(good)
      deepEqual(await deadIds(kit, orders.name), [ids[3], broken].sort(), 'those that failed stay')
      bad.clear()
      deepEqual(await messaging.deadLetters(orders, group).redrive('all'), { redriven: 2, failed: [] })
      await runs.untilDone(ids)
      runs.expectOnce(ids)
    },
  },
]
