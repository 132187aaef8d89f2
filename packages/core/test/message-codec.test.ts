import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { channel, definitionOf } from '../src/channel.ts'
import { bytes, json } from '../src/codec.ts'
import type { WireMessage } from '../src/driver/wire-message.ts'
import { decode } from '../src/message-decoder.ts'
import { MessageEncoder } from '../src/message-encoder.ts'
import type { SendOptions } from '../src/producer.ts'
import { systemRuntime } from '../src/runtime.ts'
import type { StandardSchemaV1 } from '../src/standard-schema.ts'

function schemaOf<T>(check: (value: unknown) => value is T, isAsync = false): StandardSchemaV1<T, T> {
  const validate = (value: unknown) =>
    check(value) ? { value } : { issues: [{ message: 'wrong', path: ['orders', { key: 0 }] }] }
  const standard = {
    version: 1,
    vendor: 'test',
    validate: isAsync ? async (value: unknown) => validate(value) : validate,
  }
  return { '~standard': standard as StandardSchemaV1.Props<T, T> }
}

const isAny = (value: unknown): value is any => value !== 'refused'
const anything = schemaOf<any>(isAny)
const encoder = new MessageEncoder('/test', systemRuntime)
const limits = { maxBodyBytes: 1_000, maxHeaderBytes: 1_000 }

function encode(to: any, data: unknown, options?: SendOptions): WireMessage {
  return encoder.encode(definitionOf(to), data, options, limits) as WireMessage
}

const plain = channel('plain', { schema: anything, key: (value: any) => String(value?.k ?? 'none'), groups: ['g'] })
const several = channel('several', { messages: { a: anything, b: bytes }, groups: ['g'] })

describe('encode', () => {
  it('fills every attribute', () => {
    const wire = encode(plain, { k: 'x' }, { correlationId: 'c', headers: { h: 'v' } })
    expect(wire).toMatchObject({ source: '/test', type: 'plain', contentType: 'application/json', key: 'x' })
    expect(wire.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    expect(new Date(wire.time!).toISOString()).toBe(wire.time)
    expect({ ...wire.extensions }).toEqual({ correlationid: 'c' })
    expect(Object.getPrototypeOf(wire.headers)).toBeNull()
  })

  it('sends no body for undefined', () => {
    expect(encode(plain, undefined)).toMatchObject({ body: undefined, contentType: undefined })
  })

  it.each([
    ['a value the schema refuses', plain, 'refused', 'orders.0: wrong'],
    ['what JSON cannot carry', plain, { big: 1n }, 'cannot carry'],
    ['a function', plain, () => {}, 'cannot carry'],
    ['an unknown type', several, { type: 'c', data: 1 }, 'a, b'],
    ['no type', several, 5, '{ type, data }'],
  ])('refuses %s', (_name, to, data, text) => {
    const error = { code: 'invalidArgument', message: expect.stringContaining(text) as string }
    expect(() => encode(to, data)).toThrow(expect.objectContaining(error))
  })

  it('takes the largest body and refuses one more byte', () => {
    const raw = channel('raw', { schema: bytes, groups: [] })
    expect(encode(raw, new Uint8Array(1_000)).body?.byteLength).toBe(1_000)
    expect(() => encode(raw, new Uint8Array(1_001))).toThrow(expect.objectContaining({ code: 'tooLarge' }))
  })

  it('takes an asynchronous schema', async () => {
    const slow = channel('slow', { schema: schemaOf<any>(isAny, true), groups: [] })
    expect(encode(slow, 1)).toBeInstanceOf(Promise)
    expect((await encode(slow, 1)).body).toEqual(Buffer.from('1'))
    await expect(encode(slow, 'refused')).rejects.toMatchObject({ code: 'invalidArgument' })
  })
})

describe('decode', () => {
  it.each(['hunter2', '{"password": hunter2}', '{"password":"hunter2"', '["hunter2",]', '{"a":"hunter2"}x'])(
    'says that %s is no JSON, and quotes nothing of it',
    (text) => {
      const decoding = (): unknown => json.decode(Buffer.from(text), { type: 't', contentType: 'x', headers: {} })
      expect(decoding).toThrow(/^no JSON/)
      expect(decoding).not.toThrow(/hunter/)
    },
  )

  it('gives back what was sent', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(value !== 'refused')
        const decoded = decode(definitionOf(plain), encode(plain, value))
        expect(decoded).toEqual({ type: 'plain', data: JSON.parse(JSON.stringify(value)), known: true })
      }),
    )
  })

  it.each([
    ['broken JSON', { body: Buffer.from('{') }],
    ['invalid UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }],
    ['an unreadable envelope', { problem: 'garbled' }],
    ['a value the schema refuses', { body: Buffer.from('"refused"') }],
  ])('says decodeFailed on %s', (_name, change) => {
    const wire = { ...encode(plain, 1), ...change }
    expect(() => decode(definitionOf(plain), wire)).toThrow(expect.objectContaining({ code: 'decodeFailed' }))
  })

  it('keeps a planted __proto__ as data', () => {
    const wire = { ...encode(plain, 1), body: Buffer.from('{"__proto__":{"admin":true}}') }
    const { data } = decode(definitionOf(plain), wire) as { data: object }
    expect(Object.keys(data)).toEqual(['__proto__'])
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it('tells a type that the channel does not know', () => {
    const wire = { ...encode(several, { type: 'a', data: 1 }), type: 'z' }
    expect(decode(definitionOf(several), wire)).toEqual({ type: 'z', data: 1, known: false })
  })

  it('asks typeOf where the envelope does not say', () => {
    const typeOf = (value: any) => value.kind
    const foreign = channel('foreign', { messages: { a: anything, b: anything }, typeOf, groups: ['g'] })
    const wire = { ...encode(plain, { kind: 'b' }), type: undefined }
    expect(decode(definitionOf(foreign), wire)).toMatchObject({ type: 'b', known: true })
  })
})
