import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Headers } from '../src/driver/wire-message.ts'
import { decodeFailure, encodeFailure, withoutFailure, type Failure, overEarlier } from '../src/failure-record.ts'
import { MessagingError } from '../src/messaging-error.ts'
import { SecretRedactor } from '../src/secrets.ts'

const plenty = 100_000
const wellFormed = (text: string) => text.replace(/\p{Cs}/gu, '\ufffd')

function failureWith(error: unknown, more: Partial<Failure> = {}): Failure {
  return {
    error,
    attempts: 3,
    firstFailureAtMs: Date.UTC(2025, 0, 1),
    lastFailureAtMs: Date.UTC(2025, 0, 1, 0, 0, 7, 5),
    channel: 'orders.placed',
    group: 'billing',
    ...more,
  }
}

function bytesOf(headers: Headers): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0)
}

function thereAndBack(error: unknown, budgetBytes = plenty) {
  const headers = encodeFailure(failureWith(error), budgetBytes)
  for (const value of Object.values(headers)) expect(value).not.toMatch(/[\p{Cc}\p{Cs}]/u)
  const record = decodeFailure(headers)
  if (record === undefined) throw new Error('no record')
  return record
}

describe('encodeFailure and decodeFailure', () => {
  test('carry everything', () => {
    const error = new TypeError('card declined')
    const headers = encodeFailure(failureWith(error, { position: 'queue billing, tag 7' }), plenty)
    expect(Object.getPrototypeOf(headers)).toBeNull()
    expect(Object.keys(headers).every((name) => name.startsWith('waybill-failure-'))).toBe(true)
    expect(headers['waybill-failure-last-at']).toBe('2025-01-01T00:00:07.005Z')
    expect(decodeFailure(headers)).toEqual({
      type: 'TypeError',
      message: 'card declined',
      stack: error.stack,
      attempts: 3,
      firstFailureAt: new Date(Date.UTC(2025, 0, 1)),
      lastFailureAt: new Date(Date.UTC(2025, 0, 1, 0, 0, 7, 5)),
      channel: 'orders.placed',
      group: 'billing',
      position: 'queue billing, tag 7',
    })
  })

  test('any text reads back as it was; only lone surrogates are replaced', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, stack) => {
        const record = thereAndBack(Object.assign(new Error(message), { stack: `E${stack}` }))
        expect(record.message).toBe(wellFormed(message))
        expect(record.stack).toBe(wellFormed(`E${stack}`))
      }),
      { numRuns: 300 },
    )
  })

  test('percent signs and newlines survive', () => {
    expect(thereAndBack(new Error('100% of %0A\nnext\r\n\0end')).message).toBe('100% of %0A\nnext\r\n\0end')
  })

  test('lone surrogates, which no wire carries, are replaced', () => {
    expect(thereAndBack(new Error('a\ud800b\udc00')).message).toBe('a\ufffdb\ufffd')
  })

  class CardDeclined extends Error {}
  const circular: Record<string, unknown> = { name: 'loop' }
  circular['self'] = circular
  const throwsEverywhere = new Proxy(new Error('inner'), {
    get: () => {
      throw new Error('trap')
    },
    getPrototypeOf: () => {
      throw new Error('trap')
    },
    ownKeys: () => {
      throw new Error('trap')
    },
    getOwnPropertyDescriptor: () => {
      throw new Error('trap')
    },
    has: () => {
      throw new Error('trap')
    },
  })
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const badGetter = Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('getter')
    },
  })
  const badStack = Object.defineProperty(new Error('fine'), 'stack', {
    get: () => {
      throw new Error('getter')
    },
  })
  const badInspect = {
    [Symbol.for('nodejs.util.inspect.custom')]: () => {
      throw new Error('inspect')
    },
    toString: () => {
      throw new Error('toString')
    },
  }

  const ownInspect = { [Symbol.for('nodejs.util.inspect.custom')]: () => 'mine' }

  test.each<[string, unknown, string, string | RegExp]>([
    ['null', null, 'null', 'null'],
    ['undefined', undefined, 'undefined', 'undefined'],
    ['a string', 'just text', 'string', 'just text'],
    ['a number', 42, 'number', '42'],
    ['a symbol', Symbol('s'), 'symbol', 'Symbol(s)'],
    ['a bigint', 10n, 'bigint', '10n'],
    ['a function', function failing() {}, 'failing', /failing/],
    ['a frozen error', Object.freeze(new RangeError('cold')), 'RangeError', 'cold'],
    ['a subclass without a name', new CardDeclined('no'), 'CardDeclined', 'no'],
    ['our own', new MessagingError('timeout', 'late'), 'MessagingError', 'late'],
    ['a plain object', { code: 7 }, 'Object', /code: 7/],
    ['a circular object', circular, 'loop', /Circular/],
    ['an object of null prototype', Object.create(null), 'object', /null prototype/],
    ['an object with a message', { name: 'Odd', message: 'like an error' }, 'Odd', 'like an error'],
    ['a proxy that throws', throwsEverywhere, 'object', /.+/],
    ['a revoked proxy', revoked.proxy, 'object', /.+/],
    ['a getter that throws', badGetter, 'Error', /.*/],
    ['a stack that throws', badStack, 'Error', 'fine'],
    ['an inspector that throws', badInspect, 'Object', /.+/],
    ['an inspector of its own, which is not run', ownInspect, 'Object', /^(?!mine)/],
  ])('survive %s', (_what, error, type, message) => {
    const record = thereAndBack(error)
    expect(record.type).toBe(type)
    if (typeof message === 'string') expect(record.message).toBe(message)
    else expect(record.message).toMatch(message)
  })

  test('the stack goes down the causes, to an end', () => {
    const root = new Error('root')
    const middle = new Error('middle', { cause: root })
    ;(root as { cause?: unknown }).cause = middle
    const { stack } = thereAndBack(new TypeError('top', { cause: middle }))
    expect(stack.match(/^(caused by: )?\w*Error: \w+$/gm)).toEqual([
      'TypeError: top',
      'caused by: Error: middle',
      'caused by: Error: root',
    ])
    expect(thereAndBack(new Error('x', { cause: 'text' })).stack).toMatch(/\ncaused by: text$/)
    expect(thereAndBack(new Error('x', { cause: null })).stack).toMatch(/\ncaused by: null$/)
  })

  test('an AggregateError lists what is in it', () => {
    const inner = [new TypeError('one'), 'two', ...Array.from({ length: 10 }, (_, index) => new Error(`n${index}`))]
    const { message } = thereAndBack(new AggregateError(inner, 'several'))
    expect(message).toBe(
      `several [TypeError: one; two; ${[0, 1, 2, 3, 4, 5, 6, 7].map((n) => `Error: n${n}`).join('; ')}; and 2 more]`,
    )
  })

  test('cut to the budget, on a character, and say how much', () => {
    const message = 'ü🚚\n%'.repeat(10_000)
    const error = Object.assign(new Error(message), { stack: `Error: ${message}` })
    const headers = encodeFailure(failureWith(error), 4096)
    expect(bytesOf(headers)).toBeLessThanOrEqual(4096)
    expect(bytesOf(headers)).toBeGreaterThan(4096 - 60)
    const record = decodeFailure(headers)
    const [kept = '', cut] = /^(.*)… \[cut (\d+) bytes\]$/su.exec(record?.message ?? '')?.slice(1) ?? []
    expect(message.startsWith(kept)).toBe(true)
    expect(Number(cut) + Buffer.byteLength(kept)).toBe(Buffer.byteLength(message))
    expect(record?.stack).toMatch(/… \[cut \d+ bytes\]$/)
  })

  test('a short message leaves the room to the stack, a short stack to the message', () => {
    const longStack = Object.assign(new Error('short'), { stack: 's'.repeat(10_000) })
    expect(thereAndBack(longStack, 4096)).toMatchObject({ message: 'short', stack: expect.stringMatching(/^s{3500}/) })
    const longMessage = Object.assign(new Error('m'.repeat(10_000)), { stack: 'short' })
    expect(thereAndBack(longMessage, 4096)).toMatchObject({
      message: expect.stringMatching(/^m{3500}/),
      stack: 'short',
    })
  })

  test('never over the budget, whatever the text, from what the fixed part takes upwards', () => {
    const fixedBytes = bytesOf(encodeFailure(failureWith(Object.assign(new Error(''), { stack: '' })), plenty))
    const text = fc.string({ unit: 'binary', maxLength: 400 })
    fc.assert(
      fc.property(text, text, fc.nat({ max: 1000 }), (message, stack, moreBytes) => {
        const error = Object.assign(new Error(message), { stack: stack || 's' })
        const headers = encodeFailure(failureWith(error), fixedBytes + moreBytes)
        expect(bytesOf(headers)).toBeLessThanOrEqual(fixedBytes + moreBytes)
        expect(decodeFailure(headers)).toBeDefined()
      }),
      { numRuns: 300 },
    )
  })

  test('without any budget the rest is still there', () => {
    expect(thereAndBack(new Error('x'.repeat(500)), 0)).toMatchObject({ type: 'Error', message: '', attempts: 3 })
  })

  test('a broken clock does not cost the record', () => {
    const headers = encodeFailure(failureWith(new Error('x'), { firstFailureAtMs: Number.NaN }), plenty)
    expect(decodeFailure(headers)?.firstFailureAt).toEqual(new Date(0))
  })

  test('secrets are taken out before cutting, wherever they are', () => {
    const redactor = new SecretRedactor()
    redactor.add('s3cr3t-value')
    const error = new Error('login s3cr3t-value', { cause: { password: 's3cr3t-value' } })
    const headers = encodeFailure(failureWith(error), 900, (text) => redactor.redact(text))
    expect(JSON.stringify(headers)).not.toContain('s3cr3t')
  })
})

describe('decodeFailure', () => {
  const whole = () => ({ ...encodeFailure(failureWith(new Error('x')), plenty) })
  test.each(['type', 'attempts', 'first-at', 'last-at'])('without %s there is no record', (name) => {
    const headers: Record<string, string> = whole()
    delete headers[`waybill-failure-${name}`]
    expect(decodeFailure(headers)).toBeUndefined()
  })

  test.each([
    ['attempts', 'three'],
    ['first-at', 'yesterday'],
    ['last-at', ''],
  ])('with %s %j there is no record', (name, value) => {
    expect(decodeFailure({ ...whole(), [`waybill-failure-${name}`]: value })).toBeUndefined()
  })

  test('text that is not percent-encoded is shown as it is', () => {
    expect(decodeFailure({ ...whole(), 'waybill-failure-message': '100%' })?.message).toBe('100%')
  })

  test('of a message without one', () => {
    expect(decodeFailure(Object.freeze(Object.create(null)) as Headers)).toBeUndefined()
  })
})

describe('withoutFailure', () => {
  test('gives back exactly the headers that were there', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'waybill-attempt'))
    fc.assert(
      fc.property(fc.dictionary(name, fc.string(), { noNullPrototype: false }), (dictionary) => {
        const before = Object.assign(Object.create(null), dictionary) as Headers
        const record = encodeFailure(failureWith(new Error('x')), plenty)
        const after = withoutFailure(Object.assign(Object.create(null), before, record) as Headers)
        expect(after).toEqual(before)
        expect(Object.getPrototypeOf(after)).toBeNull()
      }),
    )
  })
})

describe('overEarlier', () => {
  test('empties what an earlier record had and the new one has not', () => {
    const headers = { mine: 'kept', 'waybill-failure-type': 'Old', 'waybill-failure-position': 'q#1' }
    const found = overEarlier(headers, { 'waybill-failure-type': 'New' })
    expect({ ...found }).toEqual({ 'waybill-failure-type': 'New', 'waybill-failure-position': '' })
  })
})
