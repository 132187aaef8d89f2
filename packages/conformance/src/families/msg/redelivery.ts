import { deepEqual, equal, match } from 'node:assert/strict'
import { bytes, channel } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { Kit } from '../../kit.ts'
import type { ProbeMessage } from '../../probe.ts'
import { item, sendItems, type Item, type ItemChannel } from '../../item.ts'
import { groups, only, ownHeaders, type FidelityChannel } from './exchange.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

/** A message does not change because it failed, and what cannot be read is put aside and not tried. */
export const redelivery: readonly Behaviour[] = [
  {
    id: 'MSG-10',
    needs: { capability: retries },
    async run(kit) {
      const files: FidelityChannel<Uint8Array> = channel(kit.name('files'), { schema: bytes, groups })
      const messaging = await kit.connect()
      const runs = kit.record<Uint8Array>('billing')
      const failing = runs.handler(async () => {
        throw new Error('planted')
      })
      await messaging.consume(files, { group: 'billing', retry: { maxAttempts: 3, delaysMs: [50, 100] } }, failing)
      const data = Uint8Array.from({ length: 1_000 }, (_, index) => (index * 7) & 0xff)
      const own = Object.fromEntries(['__proto__', 'constructor', 'toString'].map((name) => [name, 'own']))
      const headers = { ...own, Case: 'A', case: 'b', empty: '', ключ: '✓ 😀' }
      const options = { headers, key: 'ключ', id: 'an id', correlationId: 'another', expiresInMs: 3_600_000 }
      await messaging.send(files, data, options)
      const letter = await onlyLetter(kit, files.name)
      const [sent] = await kit.probe.extract({ channel: files.name, group: 'audit' })
      deepEqual(withoutOwn(letter), withoutOwn(sent), 'the dead letter is what was sent')
      deepEqual(runs.attemptsOf('an id'), [1, 2, 3])
      const [first] = runs.runs
      for (const { message, data: received } of runs.runs) {
        deepEqual([...received], [...data])
        deepEqual(ownHeaders(message.headers), ownHeaders(headers))
        const { id, type, source, key, correlationId, time } = message
        deepEqual({ id, type, source, key, correlationId, time }, { ...pick(first?.message), id: 'an id' })
      }
    },
    refusal: refusesRetries,
  },
  {
    id: 'MSG-11',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel(groups)
      const bodies = [
        Buffer.from('{"n":1,'),
        Buffer.from('not JSON'),
        Buffer.from('{"n":"no number","key":"k"}'),
        Buffer.concat([Buffer.from('{"n":1,"key":"'), Buffer.of(0xff), Buffer.from('"}')]),
        Buffer.alloc(0),
      ]
      await expectInvalid(kit, orders, bodies.length, async () => {
        const attributes = { id: 'x', source: '/probe', type: orders.name, datacontenttype: 'application/json' }
        for (const [n, body] of bodies.entries()) {
          await kit.probe.inject({ channel: orders.name }, { attributes: { ...attributes, id: `bad-${n}` }, body })
        }
      })
      const letters = await kit.probe.readDeadLetters(orders.name, 'billing')
      const byId = new Map(
        letters.map(({ attributes, body }) => [attributes.id, Buffer.from(body ?? []).toString('hex')]),
      )
      deepEqual(byId, new Map(bodies.map((body, n) => [`bad-${n}`, body.toString('hex')])), 'their bytes are kept')
    },
    refusal: refusesRetries,
  },
  {
    id: 'MSG-11',
    part: 'the envelope',
    needs: { capability: retries, faults: ['injectUnreadable'] },
    async run(kit) {
      const orders = kit.channel(groups)
      await expectInvalid(kit, orders, 1, () => kit.faults.injectUnreadable({ channel: orders.name, group: 'billing' }))
      const [letter] = await kit.probe.readDeadLetters(orders.name, 'billing')
      match(letter?.headers['waybill-failure-message'] ?? '', /its envelope cannot be read/, 'and not for its body')
    },
    refusal: refusesRetries,
  },
]

/** `plant` puts `count` messages there that nobody can read: all are put aside at once, and the good ones are handled. */
async function expectInvalid(
  kit: Kit,
  orders: ItemChannel<(typeof groups)[number]>,
  count: number,
  plant: () => Promise<void>,
): Promise<void> {
  const messaging = await kit.connect()
  const runs = kit.record<Item>('billing')
  await messaging.consume(orders, { group: 'billing', retry: { maxAttempts: 5, delaysMs: [10] } }, runs.handler())
  const before = await sendItems(messaging, orders, [item(1)])
  await plant()
  const after = await sendItems(messaging, orders, [item(2)])
  await runs.untilDone([...before, ...after])
  const letters = (): Promise<readonly ProbeMessage[]> => kit.probe.readDeadLetters(orders.name, 'billing')
  await kit.eventually(`${count} dead letters`, async () => (await letters()).length >= count)
  runs.expectOnce([...before, ...after])
  for (const { headers } of await letters()) {
    equal(headers['waybill-failure-attempts'], '1')
    equal(headers['waybill-failure-group'], 'billing')
    equal(headers['waybill-failure-channel'], orders.name)
  }
  equal((await letters()).length, count)
  equal(await kit.probe.depth({ channel: orders.name, group: 'billing' }), 0, 'nothing waits to be tried again')
}

async function onlyLetter(kit: Kit, name: string): Promise<ProbeMessage> {
  const letters = (): Promise<readonly ProbeMessage[]> => kit.probe.readDeadLetters(name, 'billing')
  await kit.eventually('the dead letter', async () => (await letters()).length > 0)
  return only(await letters())
}

function withoutOwn(message: ProbeMessage | undefined): unknown {
  const { attributes, headers = {}, key, body } = message ?? {}
  return {
    attributes: { ...attributes },
    headers: ownHeaders(headers),
    key,
    body: Buffer.from(body ?? []).toString('hex'),
  }
}

function pick(message: object | undefined): object {
  const { id, type, source, key, correlationId, time } = (message ?? {}) as { [name: string]: unknown }
  return { id, type, source, key, correlationId, time }
}
