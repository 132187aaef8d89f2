import { structuredBody, type WireMessage } from '@waybill/core/driver'
import type { Message } from 'amqplib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentOf, deliveriesOf, PropertiesWriter, wireMessageOf } from '../src/rabbitmq-message-mapper.ts'

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

/** As it leaves, and as amqplib decodes it at the other end: undefined is not on the wire. */
function sent(message: WireMessage, writer = new PropertiesWriter()): Pick<Message, 'content' | 'properties'> {
  const { headers, ...properties } = writer.write(message)
  const decoded: { [name: string]: unknown } = {}
  for (const name in headers) if (headers[name] !== undefined) decoded[name] = headers[name]
  return {
    content: contentOf(message),
    properties: { ...properties, headers: decoded } as unknown as Message['properties'],
  }
}

function foreign(properties: object, content = Buffer.from('x')): WireMessage {
  return wireMessageOf({ content, properties: properties as Message['properties'] })
}

describe('what is sent', () => {
  it('has CloudEvents attributes as ce- headers, and properties for other clients', () => {
    const { properties } = sent(complete)
    expect(properties.headers).toEqual({
      'ce-specversion': '1.0',
      'ce-id': '0199',
      'ce-source': '/shop',
      'ce-type': 'order.placed',
      'ce-time': '2025-01-01T00:00:00.000Z',
      'ce-partitionkey': 'customer-1',
      'ce-subject': 's',
      'ce-correlationid': 'c1',
      tenant: 'acme',
      traceparent: '00-a-b-01',
    })
    expect(properties).toMatchObject({
      messageId: '0199',
      type: 'order.placed',
      contentType: 'application/json',
      correlationId: 'c1',
      deliveryMode: 2,
      mandatory: true,
    })
  })

  it.each<[string, Partial<WireMessage>]>([
    ['everything', {}],
    [
      'nothing but a body',
      {
        id: undefined,
        source: undefined,
        type: undefined,
        time: undefined,
        contentType: undefined,
        key: undefined,
        extensions: none,
        headers: none,
      },
    ],
    ['an empty body', { body: Buffer.alloc(0) }],
    ['no body', { body: undefined }],
    ['long texts', { id: 'i'.repeat(300), type: 't'.repeat(300), contentType: `text/${'x'.repeat(300)}` }],
    ['properties of 255 bytes', { id: 'é'.repeat(127), type: 't'.repeat(255) }],
    [
      'names that RabbitMQ acts on',
      { headers: table({ CC: 'a', BCC: 'b', 'x-death': 'c', 'x-delivery-count': 'd', 'x-first-death-queue': 'e' }) },
    ],
    [
      'names of the mapper',
      { headers: table({ 'ce-id': 'no id', 'waybill-header-CC': 'x', 'waybill-tombstone': 'no' }) },
    ],
    [
      'names of Object',
      { headers: table({ ['__proto__']: 'p', constructor: 'c', toString: 't', hasOwnProperty: 'h' }) },
    ],
    [
      'other names beginning as those',
      {
        headers: table({ cc: '1', 'x-other': '2', 'ce-Odd-name': '3', 'waybill-attempt': '2', c: '', w: 'w', x: 'x' }),
      },
    ],
  ])('reads back exactly: %s', (_, change) => {
    const message = { ...complete, ...change }
    const read = wireMessageOf(sent(message))
    expect(read).toEqual({ ...message, headers: read.headers, extensions: read.extensions })
    expect(Object.entries(read.headers)).toEqual(Object.entries(message.headers))
    expect(Object.entries(read.extensions)).toEqual(Object.entries(message.extensions))
    expect(Object.getPrototypeOf(read.headers)).toBe(null)
    expect(Object.getPrototypeOf(read.extensions)).toBe(null)
  })

  it('never puts a name on the wire that amqplib or RabbitMQ would act on', () => {
    const headers = table({ CC: 'a', BCC: 'b', ['__proto__']: 'c', 'x-delivery-count': 'd' })
    const names = Object.keys(sent({ ...complete, headers }).properties.headers ?? {})
    for (const name of Object.keys(headers)) expect(names).not.toContain(name)
  })

  it('keeps messages apart that share the writer', () => {
    const writer = new PropertiesWriter()
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), fc.option(fc.string()), (headers, key) => {
        const message = { ...complete, headers: table(headers), extensions: none, key: key ?? undefined }
        const read = wireMessageOf(sent(message, writer))
        expect({ ...read.headers }).toEqual({ ...message.headers })
        expect(read.key).toBe(message.key)
        expect(read.extensions).toEqual({})
      }),
      { numRuns: 1_000 },
    )
  })

  it('takes the view of the bytes that it was given', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
    expect([...contentOf({ ...complete, body: bytes })]).toEqual([2, 3])
  })
})

describe('what comes from others', () => {
  it('is read from its properties', () => {
    const message = foreign({
      messageId: 'm',
      type: 't',
      timestamp: 1_735_689_600,
      contentType: 'text/plain',
      correlationId: 'c',
    })
    expect(message).toMatchObject({ id: 'm', type: 't', time: '2025-01-01T00:00:00.000Z', contentType: 'text/plain' })
    expect({ ...message.extensions }).toEqual({ correlationid: 'c' })
    expect(message.problem).toBe(undefined)
  })

  it.each<[string, unknown, string]>([
    ['a text', 'x', 'x'],
    ['a number', 1.5, '1.5'],
    ['a truth value', true, 'true'],
    ['nothing', null, ''],
    ['UTF-8', Buffer.from('é'), 'é'],
    ['bytes', Buffer.from([0xff, 0]), '/wA='],
    ['a time', { '!': 'timestamp', value: 1_735_689_600 }, '2025-01-01T00:00:00.000Z'],
    ['a time in no calendar', { '!': 'timestamp', value: 1e18 }, '1000000000000000000'],
    ['a decimal', { '!': 'decimal', value: { places: 2, digits: 5 } }, '0.05'],
    ['a decimal without places', { '!': 'decimal', value: { places: 0, digits: 42 } }, '42'],
    [
      'a table',
      { a: Buffer.from('x'), b: [1, { '!': 'timestamp', value: 0 }] },
      '{"a":"x","b":[1,"1970-01-01T00:00:00.000Z"]}',
    ],
    ['an array', ['a', 1], '["a",1]'],
    ['a table that looks like a scalar', { '!': false, a: 1 }, '{"!":false,"a":1}'],
    ['a table that looks like a time', { '!': 'timestamp' }, '{"!":"timestamp"}'],
    ['a table that looks like a decimal', { '!': 'decimal', value: null }, '{"!":"decimal","value":null}'],
    [
      'a decimal that would not fit into memory',
      { '!': 'decimal', value: { places: 4e9, digits: 1 } },
      '{"!":"decimal","value":{"places":4000000000,"digits":1}}',
    ],
  ])('has %s in a header as text', (_, value, text) => {
    expect(foreign({ headers: { h: value } }).headers.h).toBe(text)
  })

  it('loses the headers that the broker added', () => {
    const headers = {
      'x-death': [{ count: 1 }],
      'x-delivery-count': 3,
      'x-first-death-queue': 'q',
      'x-last-death-reason': 'r',
      mine: '1',
    }
    expect(Object.keys(foreign({ headers }).headers)).toEqual(['mine'])
  })

  it('keeps a table named __proto__ that amqplib took for a prototype, as data', () => {
    const decoded = { mine: '1' }
    Object.setPrototypeOf(decoded, { polluted: 'yes' })
    const { headers } = foreign({ headers: decoded })
    expect(headers['polluted']).toBe(undefined)
    expect(Object.entries(headers)).toEqual([
      ['mine', '1'],
      ['__proto__', '{"polluted":"yes"}'],
    ])
  })

  it.each<[string, object]>([
    ['a table as id', { 'ce-specversion': '1.0', 'ce-id': { not: 'text' } }],
    ['another version', { 'ce-specversion': '0.3', 'ce-id': '1' }],
    ['bytes as an extension', { 'ce-specversion': '1.0', 'ce-mine': Buffer.from('x') }],
  ])('has a problem with %s', (_, headers) => {
    const message = foreign({ headers }, Buffer.from('kept'))
    expect(message.problem).toBeTypeOf('string')
    expect(Buffer.from(message.body ?? []).toString()).toBe('kept')
  })

  it.each([
    [-1, undefined],
    ['soon', undefined],
    [Number.NaN, undefined],
    [1_735_689_600_000, '2025-01-01T00:00:00.000Z'],
    [1e20, undefined],
  ])('has the timestamp %s as %s', (timestamp, time) => {
    expect(foreign({ timestamp }).time).toBe(time)
  })

  it('never throws', () => {
    const odd = [
      'ce-id',
      'ce-specversion',
      '__proto__',
      'waybill-tombstone',
      'contentType',
      'timestamp',
      'correlationId',
      '!',
    ]
    const name = fc.oneof(fc.constantFrom(...odd), fc.string())
    fc.assert(
      fc.property(fc.dictionary(name, fc.anything({ maxDepth: 1, maxKeys: 3 })), fc.uint8Array(), (record, bytes) => {
        wireMessageOf({
          content: Buffer.from(bytes),
          properties: { ...record, headers: record } as unknown as Message['properties'],
        })
      }),
    )
  })

  it('a table whose prototype is bytes, as amqplib makes one of bytes named __proto__', () => {
    const table = { inner: Object.create(Buffer.from('x')), list: [Object.create(Buffer.from('y'))] }
    const { headers } = wireMessageOf({ content: Buffer.alloc(0), properties: { headers: table } as never })
    expect(Object.keys(headers)).toEqual(['inner', 'list'])
  })

  it('names that have grown because their bytes are no UTF-8 can be written again', () => {
    const table = { ['\ufffd'.repeat(255)]: 'a', ['n'.repeat(255)]: 'b' }
    const { headers } = wireMessageOf({ content: Buffer.alloc(0), properties: { headers: table } as never })
    expect(Object.keys(headers).map((name) => Buffer.byteLength(name))).toEqual([255, 255])
  })
})

describe('structured CloudEvents', () => {
  const contentType = 'application/cloudevents+json; charset=utf-8'
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }
  const structured = (body: unknown) =>
    foreign(
      { contentType, headers: { traceparent: 'tp' } },
      Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    )

  it('are unpacked', () => {
    const message = structured({ ...event, time: '2025-01-01T00:00:00Z', partitionkey: 'k', mine: 7, data: { a: 1 } })
    expect(message).toMatchObject({ id: '1', source: '/s', type: 't', key: 'k', contentType: 'application/json' })
    expect({ ...message.extensions }).toEqual({ mine: '7' })
    expect({ ...message.headers }).toEqual({ traceparent: 'tp' })
    expect(Buffer.from(message.body ?? []).toString()).toBe('{"a":1}')
  })

  it('are written with the headers of the application, and what other clients look for', () => {
    const writer = new PropertiesWriter()
    sent({ ...complete, extensions: table({ other: 'x' }) }, writer)
    const document = Buffer.from(structuredBody(complete) ?? [])
    const published = sent({ ...complete, structured: document }, writer)
    expect(published.content).toEqual(document)
    expect(published.properties).toMatchObject({ contentType, messageId: '0199', correlationId: 'c1' })
    expect(published.properties.headers).toEqual({ tenant: 'acme', traceparent: '00-a-b-01' })
    expect(wireMessageOf(published)).toMatchObject({ ...complete, headers: { tenant: 'acme' }, extensions: {} })
    expect(sent(complete, writer).properties.headers).toMatchObject({ 'ce-specversion': '1.0', 'ce-id': '0199' })
  })

  it.each<[string, object, string | undefined]>([
    ['bytes', { data_base64: 'AAEC' }, '\u0000\u0001\u0002'],
    ['a text', { data: 'plain', datacontenttype: 'text/plain' }, 'plain'],
    ['a JSON text', { data: 'plain' }, '"plain"'],
    ['null', { data: null }, 'null'],
    ['no data', {}, undefined],
  ])('with %s', (_, change, body) => {
    const message = structured({ ...event, ...change })
    expect(message.problem).toBe(undefined)
    expect(message.body === undefined ? undefined : Buffer.from(message.body).toString()).toBe(body)
  })

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another version', { ...event, specversion: '0.3' }],
    ['no id', { ...event, id: '' }],
    ['an attribute that is an object', { ...event, mine: {} }],
    ['a name that is none', `{"specversion":"1.0","id":"1","source":"s","type":"t","__proto__":"x"}`],
    ['no base64', { ...event, data_base64: '*' }],
    ['data twice', { ...event, data: 1, data_base64: 'AAEC' }],
  ])('have a problem: %s', (_, body) => {
    const message = structured(body)
    expect(message.problem).toMatch(/no structured CloudEvent/)
    expect(message.body?.byteLength).toBeGreaterThan(0)
  })

  it('are data when the message is one in binary mode already', () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'outer' }
    const message = foreign({ contentType, headers }, Buffer.from(JSON.stringify(event)))
    expect(message).toMatchObject({ id: 'outer', contentType })
    expect(Buffer.from(message.body ?? []).toString()).toBe(JSON.stringify(event))
  })

  it('in batches are refused', () => {
    expect(foreign({ contentType: 'application/cloudevents-batch+json' }, Buffer.from('[]')).problem).toMatch(
      /cannot read/,
    )
  })
})

describe('the count of deliveries', () => {
  it.each<[string, boolean, object | undefined, number | undefined]>([
    ['first', false, undefined, 1],
    ['first, whatever the producer wrote', false, { 'x-delivery-count': 7 }, 1],
    ['again', true, { 'x-delivery-count': 2 }, 3],
    ['again, from a queue that does not count', true, {}, undefined],
  ])('%s', (_, redelivered, headers, count) => {
    expect(
      deliveriesOf({ fields: { redelivered } as Message['fields'], properties: { headers } as Message['properties'] }),
    ).toBe(count)
  })
})
