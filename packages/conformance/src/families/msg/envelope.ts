import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { bytes, channel, deadLetter, type BodyDescription } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemSchema, type Item } from '../../item.ts'
import { groups, only, ownHeaders, pass, type FidelityChannel } from './exchange.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const retry = { maxAttempts: 3, delaysMs: [100] }

/** What a message says of itself: attributes, in the words of CloudEvents. */
export const envelope: readonly Behaviour[] = [
  {
    id: 'MSG-02',
    async run(kit) {
      const orders: FidelityChannel<Item> = channel(kit.name('orders'), {
        schema: itemSchema,
        type: 'com.example.Order/placed v2',
        key: ({ key }) => key,
        groups,
      })
      const odd = 'ключ ✓ 😀 "a":b\\c;d=e,f%20'
      const options = { id: `id ${odd}`, correlationId: `correlation ${odd}` }
      const [plain, full] = await pass(kit, orders, [
        { data: item(0, { key: 'k' }) },
        { data: item(1, { key: odd }), options },
      ])
      ok(plain !== undefined && full !== undefined)
      match(plain.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'a UUIDv7')
      equal(full.id, options.id)
      const keys = ['k', odd]
      const correlationIds = [undefined, options.correlationId]
      for (const [index, { id, run, wire }] of [plain, full].entries()) {
        const { message } = run
        const source = `/conformance/${kit.nonce}`
        const { key, type, correlationId } = message
        deepEqual(
          { id: message.id, type, source: message.source, key, correlationId },
          { id, type: 'com.example.Order/placed v2', source, key: keys[index], correlationId: correlationIds[index] },
        )
        equal(wire.attributes.source, source)
        equal(wire.attributes.type, type)
        equal(wire.attributes.correlationid, correlationId)
        equal(wire.attributes.datacontenttype, 'application/json')
        equal(wire.key, key)
        equal(message.time?.getTime(), Date.parse(wire.attributes.time ?? ''), 'both times')
      }
      const sentAt = Number.parseInt(plain.id.replaceAll('-', '').slice(0, 12), 16)
      const time = plain.run.message.time?.getTime() ?? 0
      ok(Math.abs(time - sentAt) < 10, `the time ${time} is that of the UUIDv7 id, ${sentAt}`)
    },
  },
  {
    id: 'MSG-02',
    part: 'content type',
    async run(kit) {
      const eventType = 'application/cloudevents+json'
      for (const contentType of ['text/plain; charset=utf-8', 'application/vnd.order+json', 'image/png', eventType]) {
        const told: BodyDescription[] = []
        const decode = (body: Uint8Array | undefined, about: BodyDescription): string => {
          told.push(about)
          return Buffer.from(body ?? []).toString()
        }
        const text = { contentType, encode: (value: string) => Buffer.from(value), decode }
        const notes: FidelityChannel<string> = channel(kit.name('notes'), { schema: text, groups })
        const { run, wire } = only(await pass(kit, notes, [{ data: 'a note' }]))
        equal(run.data, 'a note')
        equal(wire.attributes.datacontenttype, contentType)
        deepEqual(
          told.map((about) => about.contentType),
          [contentType],
          'what the codec is told',
        )
      }
    },
  },
  {
    id: 'MSG-07',
    needs: { capability: retries },
    async run(kit) {
      const orders = kit.channel(groups)
      const messaging = await kit.connect()
      const runs = kit.record<Item>('billing')
      const failing = runs.handler(async (_, { attempt }) => {
        if (attempt === 1) throw new Error('planted')
      })
      await messaging.consume(orders, { group: 'billing', retry }, failing)
      const body = Buffer.from(JSON.stringify(item(7)))
      await kit.probe.inject({ channel: orders.name }, { body })
      await runs.untilRuns(2)
      const [first, second] = runs.runs
      ok(first !== undefined && second !== undefined)
      deepEqual([first.attempt, second.attempt], [1, 2])
      for (const { data, message } of [first, second]) {
        deepEqual(data, item(7))
        equal(message.type, orders.name, 'the type, where the message has none')
        ok(message.id.length > 0 && message.source.length > 0, 'an id and a source of some kind')
        deepEqual([message.key, message.correlationId], [undefined, undefined])
        deepEqual(ownHeaders(message.headers), [])
      }
      equal(second.message.id, first.message.id, 'the id given to it stays')
      const left = await kit.probe.extract({ channel: orders.name, group: 'audit' })
      deepEqual(
        left.map((each) => Buffer.from(each.body ?? []).toString()),
        [body.toString()],
        'the other group got it too',
      )
    },
    refusal: refusesRetries,
  },
  {
    id: 'MSG-07',
    part: 'with headers and a key, to one group',
    async run(kit) {
      const orders = kit.channel(groups)
      const messaging = await kit.connect()
      const runs = kit.record<Item>('billing')
      await messaging.consume(orders, { group: 'billing' }, runs.handler())
      const headers = { 'Content-Language': 'de', 'x-custom': 'ü ✓' }
      const body = Buffer.from(JSON.stringify(item(8)))
      await kit.probe.inject({ channel: orders.name, group: 'billing' }, { body, headers, key: 'k8' })
      await runs.untilRuns(1)
      const { data, message } = only(runs.runs)
      deepEqual(data, item(8))
      equal(message.key, 'k8')
      deepEqual(ownHeaders(message.headers), Object.entries(headers))
      equal(await kit.probe.depth({ channel: orders.name, group: 'audit' }), 0, 'the other group was not addressed')
    },
  },
  {
    id: 'MSG-08',
    async run(kit) {
      const orders: FidelityChannel<Uint8Array> = channel(kit.name('orders'), { schema: bytes, groups })
      const messaging = await kit.connect()
      const runs = kit.record<Uint8Array>('billing')
      const refusing = runs.handler(async () => deadLetter('planted'))
      await messaging.consume(orders, { group: 'billing' }, refusing)
      const attributes = {
        id: 'A234-1234-1234',
        source: '/mycontext/ä?x=1&y=2#z',
        type: 'com.example.someevent',
        time: '2018-04-05T17:31:00Z',
        subject: 'blobs/größe.png',
        dataschema: 'https://example.com/schema?v=1',
        datacontenttype: 'image/png',
        correlationid: 'c-1',
        comexampleextension1: 'value "1"',
      }
      const body = Uint8Array.of(0, 1, 2, 0xff)
      await kit.probe.inject({ channel: orders.name }, { attributes, body, key: 'a key', headers: { own: 'header' } })
      await runs.untilRuns(1)
      const { message, data } = only(runs.runs)
      const { id, source, type, key, correlationId } = message
      deepEqual(
        { id, source, type, key, correlationId, time: message.time?.toISOString() },
        {
          ...{ id: attributes.id, source: attributes.source, type: attributes.type },
          ...{ key: 'a key', correlationId: 'c-1', time: '2018-04-05T17:31:00.000Z' },
        },
      )
      deepEqual(ownHeaders(message.headers), [['own', 'header']])
      deepEqual([...data], [...body])
      const letters = () => kit.probe.readDeadLetters(orders.name, 'billing')
      await kit.eventually('the dead letter', async () => (await letters()).length === 1)
      const letter = only(await letters())
      const { specversion: _, partitionkey: __, ...written } = { ...letter.attributes }
      deepEqual(written, attributes, 'an event that was passed on keeps every attribute')
      equal(letter.key, 'a key')
    },
  },
  {
    id: 'MSG-08',
    part: 'structured',
    async run(kit) {
      const orders: FidelityChannel<Item> = channel(kit.name('orders'), {
        schema: itemSchema,
        type: 'com.example.placed',
        key: ({ key }) => key,
        groups,
      })
      const messaging = await kit.connect({ channels: { [orders.name]: { contentMode: 'structured' } } })
      const runs = kit.record<Item>('billing')
      await messaging.consume(orders, { group: 'billing' }, runs.handler())
      const options = { id: 'A-1', correlationId: 'c-1', headers: { own: 'header' } }
      await messaging.send(orders, item(1, { key: 'a key' }), options)
      await runs.untilRuns(1)
      const wire = only(await kit.probe.extract({ channel: orders.name, group: 'audit' }))
      match(wire.attributes.datacontenttype ?? '', /^application\/cloudevents\+json/, 'the content type')
      const { time, ...event } = JSON.parse(Buffer.from(wire.body ?? []).toString()) as { time: string }
      const envelope = {
        specversion: '1.0',
        id: 'A-1',
        source: `/conformance/${kit.nonce}`,
        type: 'com.example.placed',
      }
      const named = { ...envelope, correlationid: 'c-1', partitionkey: 'a key', datacontenttype: 'application/json' }
      deepEqual(event, { ...named, data: item(1, { key: 'a key' }) }, 'the document')
      // Where the transport has no place for a key of its own, the document alone says it.
      equal(wire.key ?? 'a key', 'a key')
      deepEqual(ownHeaders(wire.headers), [['own', 'header']])

      const theirs = { ...envelope, id: 'B-1', data: item(2), time: '2018-04-05T17:31:00Z' }
      const attributes = { datacontenttype: 'application/cloudevents+json; charset=UTF-8' }
      await kit.probe.inject({ channel: orders.name }, { attributes, body: Buffer.from(JSON.stringify(theirs)) })
      await runs.untilRuns(2)
      const [ours, foreign] = runs.runs.map(({ data, message }) => {
        const { id, type, key, correlationId } = message
        return { data, id, type, key, correlationId, time: message.time?.getTime() }
      })
      const type = 'com.example.placed'
      const expected = { data: item(1, { key: 'a key' }), id: 'A-1', type, key: 'a key', correlationId: 'c-1' }
      deepEqual(ours, { ...expected, time: Date.parse(time) })
      const plain = { data: item(2), id: 'B-1', type, key: undefined, correlationId: undefined }
      deepEqual(foreign, { ...plain, time: Date.parse(theirs.time) })
    },
  },
]
