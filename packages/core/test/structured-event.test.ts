import { describe, expect, it } from 'vitest'
import { inContentMode } from '../src/content-mode.ts'
import { structuredBody, structuredEvent, structuredMediaType } from '../src/driver/structured-event.ts'
import type { Headers, WireMessage } from '../src/driver/wire-message.ts'

const table = (record: object) => Object.assign(Object.create(null), record) as Headers
const message: WireMessage = {
  id: '1',
  source: '/shop',
  type: 'order.placed',
  time: '2025-01-01T00:00:00.000Z',
  contentType: 'application/json',
  extensions: table({ subject: 's' }),
  key: 'k',
  headers: table({ tenant: 'acme' }),
  body: Buffer.from('{"a":1}'),
}
const documentOf = (change: Partial<WireMessage>) => {
  return JSON.parse(Buffer.from(structuredBody({ ...message, ...change }) ?? []).toString()) as Record<string, unknown>
}

describe('an event as one document', () => {
  it('has all attributes, the key and the data, and no headers', () => {
    expect(documentOf({})).toEqual({
      specversion: '1.0',
      id: '1',
      source: '/shop',
      type: 'order.placed',
      time: '2025-01-01T00:00:00.000Z',
      datacontenttype: 'application/json',
      subject: 's',
      partitionkey: 'k',
      data: { a: 1 },
    })
  })

  it.each<[string, string | undefined, Uint8Array, object]>([
    ['JSON of another kind', 'application/vnd.order+json; v=1', Buffer.from('[1]'), { data: [1] }],
    ['JSON that is none', 'application/json', Buffer.from('{'), { data_base64: 'ew==' }],
    ['JSON that is no text', 'application/json', Buffer.from([0xff]), { data_base64: '/w==' }],
    ['text', 'text/plain; charset=UTF-8', Buffer.from('ä"\n'), { data: 'ä"\n' }],
    ['text in another code', 'text/plain; charset=latin1', Buffer.from('a'), { data_base64: 'YQ==' }],
    ['bytes', 'image/png', Buffer.from([0, 255]), { data_base64: 'AP8=' }],
    ['bytes in the middle of others', undefined, Buffer.from('abc').subarray(1), { data_base64: 'YmM=' }],
    ['nothing', 'application/json', Buffer.alloc(0), { data_base64: '' }],
  ])('with %s comes back as it was', (_, contentType, body, data) => {
    const sent = { ...message, contentType, body }
    expect(documentOf(sent)).toMatchObject(data)
    const read = structuredEvent(structuredMediaType, Buffer.from(structuredBody(sent) ?? []), message.headers)
    expect(read).toEqual({ ...sent, body: Buffer.from(body) })
  })

  it('keeps the digits of numbers as they were written', () => {
    const body = Buffer.from('{"cents":12345678901234567890}')
    expect(Buffer.from(structuredBody({ ...message, body }) ?? []).toString()).toContain('12345678901234567890')
  })
})

describe('a channel in structured mode', () => {
  const structured = { contentMode: 'structured' } as const

  it('gets one document, unless there is no body', () => {
    const limits = { maxBodyBytes: 1_000 }
    expect(inContentMode(message, structured, limits, 'orders').structured).toEqual(structuredBody(message))
    const tombstone = { ...message, body: undefined }
    expect(inContentMode(tombstone, structured, limits, 'orders')).toBe(tombstone)
    expect(inContentMode(message, { contentMode: 'binary' }, limits, 'orders')).toBe(message)
  })

  it('refuses a document that is larger than the broker takes, though the body is not', () => {
    const send = () => inContentMode(message, structured, { maxBodyBytes: 100 }, 'orders')
    expect(send).toThrow(/as one document the event has \d+ bytes/)
  })
})
