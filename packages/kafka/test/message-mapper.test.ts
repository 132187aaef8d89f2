import { structuredBody, type WireMessage } from '@waybill/core/driver'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FetchedRecord } from '../src/kafka-fetched-record.ts'
import { deadLetterKey, deadLetterOf, recordOf, wireMessageFor, wireMessageOf } from '../src/kafka-message-mapper.ts'
import { recordBytes, type WireRecord } from '../src/kafka-record.ts'
import { fetched, type HeaderList, varint } from './fetched.ts'

const none = Object.freeze(Object.create(null)) as { [name: string]: string }
const table = (record: object) => Object.assign(Object.create(null), record) as { [name: string]: string }

const complete: WireMessage = {
  id: '0199',
  source: '/shop',
  type: 'order.placed',
  time: '2025-01-01T00:00:00.000Z',
  contentType: 'application/json',
  extensions: table({ subject: 's', correlationid: 'c1' }),
  key: 'customer-1',
  headers: table({ tenant: 'acme', traceparent: '00-a-b-01' }),
  body: Buffer.from('{}'),
}

const empty: Partial<WireMessage> = {
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  contentType: undefined,
  key: undefined,
  extensions: none,
  headers: none,
}

/** As it is fetched at the other end. */
function received({ key, value, headers }: WireRecord): FetchedRecord {
  const names = Object.keys(headers)
  return fetched({ key, value, headers: names.map((name) => [name, Buffer.from(headers[name]!)]) })
}

const listed = (headers: { readonly [name: string]: Buffer }): HeaderList => Object.entries(headers)

function foreign(headers: HeaderList, value: Buffer | null = Buffer.from('x')) {
  return wireMessageOf(fetched({ value, headers }))
}

function expectSame(read: WireMessage, message: WireMessage): void {
  expect(read).toEqual({ ...message, headers: read.headers, extensions: read.extensions })
  expect(Object.entries(read.headers)).toEqual(Object.entries(message.headers))
  expect(Object.entries(read.extensions)).toEqual(Object.entries(message.extensions))
  expect(Object.getPrototypeOf(read.headers)).toBe(null)
  expect(Object.getPrototypeOf(read.extensions)).toBe(null)
}

describe('what is sent', () => {
  it('follows the CloudEvents binding in binary mode', () => {
    const { key, value, headers } = recordOf(complete)
    expect({ ...headers }).toEqual({
      ce_specversion: '1.0',
      ce_id: '0199',
      ce_source: '/shop',
      ce_type: 'order.placed',
      ce_time: '2025-01-01T00:00:00.000Z',
      'content-type': 'application/json',
      ce_subject: 's',
      ce_correlationid: 'c1',
      tenant: 'acme',
      traceparent: '00-a-b-01',
    })
    expect([key?.toString(), value?.toString()]).toEqual(['customer-1', '{}'])
  })

  it.each<[string, Partial<WireMessage>]>([
    ['everything', {}],
    ['nothing but a body', empty],
    ['an empty body', { body: Buffer.alloc(0) }],
    ['no body', { body: undefined }],
    ['an empty key', { key: '' }],
    ['no key', { key: undefined }],
    ['a key of any letters', { key: 'é\u0000😀' }],
    [
      'names of the mapper',
      {
        headers: table({
          ce_id: 'no id',
          'content-type': 'none',
          'waybill-header-x': '1',
          'waybill-tombstone': '2',
          'waybill-group': '3',
          'waybill-key': '4',
        }),
      },
    ],
    [
      'names of Object',
      { headers: table({ ['__proto__']: 'p', constructor: 'c', toString: 't', hasOwnProperty: 'h' }) },
    ],
    [
      'other names beginning as those',
      { headers: table({ CE_ID: '1', 'ce_Odd-name': '2', 'waybill-attempt': '3', c: '', w: 'w' }) },
    ],
    ['letters of all kinds', { headers: table({ ä: 'ö', '😀': '😀', empty: '' }) }],
  ])('reads back exactly, as a message and as a dead letter: %s', (_, change) => {
    const message = { ...complete, ...change }
    expectSame(wireMessageOf(received(recordOf(message))), message)
    expectSame(wireMessageOf(received(deadLetterOf(message))), message)
  })

  it('reads back whatever it is', () => {
    const names = fc.oneof(
      fc.constantFrom('ce_id', '__proto__', 'constructor', 'waybill-key', 'content-type'),
      fc.string(),
    )
    const texts = fc.dictionary(
      names,
      fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
      { noNullPrototype: false },
    )
    fc.assert(
      fc.property(
        texts,
        fc.option(fc.string().map((key) => key.toWellFormed())),
        fc.option(fc.uint8Array()),
        (headers, key, body) => {
          const well = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toWellFormed(), value]))
          const message = {
            ...complete,
            headers: table(well),
            key: key ?? undefined,
            body: body === null ? undefined : Buffer.from(body),
          }
          expectSame(wireMessageOf(received(recordOf(message))), message)
          expectSame(wireMessageOf(received(deadLetterOf(message))), message)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('takes the view of the bytes that it was given', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
    expect([...recordOf({ ...complete, body: bytes }).value!]).toEqual([2, 3])
  })

  it('can be for one group of those that read the topic', () => {
    const record = received(recordOf(complete, 'billing'))
    expectSame(wireMessageFor('billing', record)!, complete)
    expect(wireMessageFor('audit', record)).toBe(undefined)
    expectSame(wireMessageFor('audit', received(recordOf(complete)))!, complete)
  })

  it('takes no more bytes than are counted', () => {
    const record = recordOf({ ...complete, headers: table({ a: 'é'.repeat(1_000) }) })
    expect(recordBytes(record)).toBeGreaterThan(2_000 + 2)
    expect(recordBytes(record)).toBeLessThan(2_000 + 1_000)
    expect(record.mostBytes).toBeGreaterThanOrEqual(recordBytes(record))
    expect(record.mostBytes).toBeLessThan(3_000 + 2_000)
  })
})

describe('a dead letter', () => {
  it('is never taken for the removal of one', () => {
    expect(deadLetterOf({ ...complete, body: undefined }).value).not.toBe(null)
  })

  const variants: Partial<WireMessage>[] = [
    {},
    { id: 'other' },
    { source: '/other' },
    { body: Buffer.from('[]') },
    { body: undefined },
    { body: Buffer.alloc(0) },
    { key: undefined },
    { key: '' },
    { headers: table({ tenant: 'acme' }) },
    { extensions: none },
  ]

  it('is the same when sent again, and another when anything in it differs', () => {
    const keys = variants.map((change) => deadLetterKey({ ...complete, ...change }).toString())
    expect(new Set(keys).size).toBe(variants.length)
    expect(deadLetterKey({ ...complete, body: Buffer.from('{}') }).toString()).toBe(keys[0])
    expect(keys[0]).toMatch(/^0199\/[0-9a-f]{32}$/)
  })
})

it('with headers that contradict themselves has a problem', () => {
  const bytes = Buffer.concat([varint(2), varint(1), Buffer.from('a'), varint(500)])
  const record = new FetchedRecord(bytes, { keyBegin: 0, keyEnd: -1, headersBegin: 0, end: bytes.length }, '0', 0, null)
  expect(wireMessageOf(record).problem).toMatch(/contradict/)
})

describe('what comes from others', () => {
  it('is data, without any attribute', () => {
    const message = foreign([])
    expect(message).toMatchObject({ ...empty, body: Buffer.from('x') })
    expect(message.problem).toBe(undefined)
  })

  it.each<[string, (Buffer | null)[], string]>([
    ['bytes of UTF-8', [Buffer.from('é')], 'é'],
    ['bytes of none', [Buffer.from([0xff, 0])], '/wA='],
    ['U+FFFD itself', [Buffer.from('\ufffd')], '\ufffd'],
    ['nothing', [null], ''],
    ['several values', [Buffer.from('first'), Buffer.from('last')], 'last'],
    ['several, the last without a value', [Buffer.from('first'), null], ''],
  ])('has %s in a header as text', (_, values, text) => {
    expect(foreign(values.map((value) => ['h', value])).headers.h).toBe(text)
  })

  it('has a key that is no text as base64', () => {
    expect(wireMessageOf(fetched({ key: Buffer.from([0xff, 0]) })).key).toBe('/wA=')
  })

  it('without a value is a tombstone', () => {
    expect(foreign([], null).body).toBe(undefined)
    expect(foreign([], Buffer.alloc(0)).body?.byteLength).toBe(0)
  })

  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['in the record', 'k', undefined, undefined],
    ['in the event alone', undefined, 'k', undefined],
    ['in both', 'k', 'k', undefined],
    ['in both, and differs', 'k', 'other', 'other'],
  ])('has its key %s', (_, key, attribute, left) => {
    const headers = listed({
      ce_specversion: Buffer.from('1.0'),
      ...(attribute ? { ce_partitionkey: Buffer.from(attribute) } : {}),
    })
    const message = wireMessageOf(fetched({ key: key === undefined ? null : Buffer.from(key), headers }))
    expect([message.key, message.extensions['partitionkey']]).toEqual(['k', left])
  })

  it.each<[string, { readonly [name: string]: Buffer }]>([
    ['another version', { ce_specversion: Buffer.from('0.3'), ce_id: Buffer.from('1') }],
    ['an id that is no text', { ce_specversion: Buffer.from('1.0'), ce_id: Buffer.from([0xff]) }],
    ['an extension that is no text', { ce_specversion: Buffer.from('1.0'), ce_mine: Buffer.from([0xff]) }],
  ])('has a problem with %s', (_, headers) => {
    const message = foreign(listed(headers), Buffer.from('kept'))
    expect(message.problem).toBeTypeOf('string')
    expect(Buffer.from(message.body ?? []).toString()).toBe('kept')
  })

  it('never throws', () => {
    const name = fc.oneof(
      fc.constantFrom('ce_id', 'ce_specversion', '__proto__', 'waybill-key', 'content-type'),
      fc.string(),
    )
    const value = fc.option(fc.uint8Array())
    const headers = fc.array(
      fc.tuple(
        name.map((each) => each.toWellFormed()),
        value,
      ),
    )
    fc.assert(
      fc.property(headers, fc.option(fc.uint8Array()), (each, body) => {
        const bytes = body === null ? null : Buffer.from(body)
        const record = fetched({ key: bytes, value: bytes, headers: each })
        wireMessageOf(record)
        wireMessageFor('billing', record)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('structured CloudEvents', () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', partitionkey: 'event' }
  const structured = (body: unknown, key: string | null = null) =>
    wireMessageOf(
      fetched({
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(JSON.stringify(body)),
        headers: listed({
          'content-type': Buffer.from('application/cloudevents+json'),
          traceparent: Buffer.from('tp'),
        }),
      }),
    )

  it('are unpacked, with the key of the record before that of the event', () => {
    const message = structured({ ...event, data: { a: 1 } })
    expect(message).toMatchObject({ id: '1', source: '/s', type: 't', key: 'event', contentType: 'application/json' })
    expect({ ...message.headers }).toEqual({ traceparent: 'tp' })
    expect(Buffer.from(message.body ?? []).toString()).toBe('{"a":1}')
    expect(structured(event, 'record').key).toBe('record')
  })

  it('are written with their key, the headers of the application and nothing else', () => {
    const document = Buffer.from(structuredBody(complete) ?? [])
    const record = recordOf({ ...complete, structured: document })
    expect(record.key).toEqual(Buffer.from('customer-1'))
    expect(record.value).toEqual(document)
    const contentType = 'application/cloudevents+json; charset=utf-8'
    expect({ ...record.headers }).toEqual({ 'content-type': contentType, tenant: 'acme', traceparent: '00-a-b-01' })
    expectSame(wireMessageOf(received(record)), complete)
  })

  it('that cannot be read have a problem', () => {
    expect(structured({ ...event, specversion: '0.3' }).problem).toMatch(/no structured CloudEvent/)
  })

  it('are data when the message is one in binary mode already, and tombstones have none', () => {
    const headers = { 'content-type': Buffer.from('application/cloudevents+json'), ce_specversion: Buffer.from('1.0') }
    expect(foreign(listed(headers), Buffer.from('{')).problem).toBe(undefined)
    expect(foreign([['content-type', Buffer.from('application/cloudevents+json')]], null).problem).toBe(undefined)
  })
})
