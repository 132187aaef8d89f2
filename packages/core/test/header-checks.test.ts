import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkHeaders, checkId, checkKey } from '../src/header-checks.ts'
import { MessagingError } from '../src/messaging-error.ts'

const roomy = { maxHeaderBytes: 1_000_000 }

function failureOf(work: () => unknown): MessagingError {
  try {
    work()
  } catch (error) {
    if (error instanceof MessagingError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

function own(name: string, value: unknown): Record<string, string> {
  return Object.defineProperty({}, name, { value, enumerable: true }) as Record<string, string>
}

describe('checkHeaders', () => {
  test('copies what is fine, to a null prototype', () => {
    const given = { traceparent: '00-x', tracestate: 'a=1', 'X-Kept-Case': '', emoji: '🚚 gelb' }
    const checked = checkHeaders(given, roomy, 'orders')
    expect(Object.getPrototypeOf(checked)).toBeNull()
    expect({ ...checked }).toEqual(given)
    expect(checked).not.toBe(given)
  })

  test('one frozen object for no headers', () => {
    const none = checkHeaders({}, roomy, 'orders')
    expect(checkHeaders(undefined, roomy, 'orders')).toBe(none)
    expect(Object.isFrozen(none)).toBe(true)
    expect(Object.getPrototypeOf(none)).toBeNull()
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'cart', 'century', 'Wagon', 'waybil'])(
    '%s is a name like any other',
    (name) => {
      const checked = checkHeaders(own(name, 'v'), roomy, 'orders')
      expect(Object.keys(checked)).toEqual([name])
      expect(checked[name]).toBe('v')
      expect(Object.getPrototypeOf(checked)).toBeNull()
      expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    },
  )

  test.each([
    ['an empty name', own('', 'v'), 'must not be empty'],
    ['a name with CR', own('a\rb', 'v'), 'U+000D'],
    ['a name with LF', own('a\nb', 'v'), 'control character'],
    ['a name with DEL', own('a\x7f', 'v'), 'U+007F'],
    ['a name with a lone surrogate', own('a\ud800', 'v'), 'lone surrogate'],
    ['a long name', own('n'.repeat(256), 'v'), 'longer than 255'],
    ['a long name in UTF-8', own('ä'.repeat(128), 'v'), 'longer than 255'],
    ['a value with NUL', own('a', 'x\0y'), 'encodeURIComponent'],
    ['a value with CR LF', own('a', 'x\r\ny: z'), 'U+000D'],
    ['a value with TAB', own('a', 'x\ty'), 'U+0009'],
    ['a value with a C1 control', own('a', 'x\u0085'), 'U+0085'],
    ['a value with a lone surrogate', own('a', 'x\udfff'), 'U+DFFF'],
    ['a value with a noncharacter', own('a', 'x\uffff'), 'noncharacter'],
    ['a number', own('a', 1), 'must be a string, not number'],
    ['undefined', own('a', undefined), 'not undefined'],
    ['null', own('a', null), 'not null'],
    ['an array', own('a', ['x']), 'not an array'],
    ['the own prefix', own('waybill-attempt', '1'), 'choose another name'],
    ['the own prefix in capitals', own('Waybill-Attempt', '1'), 'waybill-'],
    ['ce-', own('ce-id', '1'), 'CloudEvents'],
    ['ce_', own('ce_id', '1'), 'CloudEvents'],
    ['cloudEvents:', own('cloudEvents:id', '1'), 'CloudEvents'],
    ['cloudEvents_', own('cloudEvents_id', '1'), 'CloudEvents'],
    ['CE-', own('CE-ID', '1'), 'CloudEvents'],
  ])('refuses %s', (_what, headers, text) => {
    const error = failureOf(() => checkHeaders(headers, roomy, 'orders.placed'))
    expect(error.code).toBe('invalidArgument')
    expect(error.channel).toBe('orders.placed')
    expect(error.message).toContain('orders.placed')
    expect(error.message).toContain(text)
    expect(error.message).not.toMatch(/[\x00-\x1f]/)
  })

  test.each([[new Map([['a', 'b']])], [['a']], ['text'], [null], [7], [new (class Custom {})()]])(
    'refuses %o, in which headers could get lost',
    (headers) => {
      const given = headers as unknown as Record<string, string>
      expect(failureOf(() => checkHeaders(given, roomy, 'c')).message).toContain('plain object')
    },
  )

  test('takes objects of null prototype and of another realm', async () => {
    const { runInNewContext } = await import('node:vm')
    const foreign = runInNewContext('({ a: "b" })') as Record<string, string>
    expect({ ...checkHeaders(foreign, roomy, 'c') }).toEqual({ a: 'b' })
    expect({ ...checkHeaders(Object.assign(Object.create(null), { a: 'b' }), roomy, 'c') }).toEqual({ a: 'b' })
  })

  test('counts names and values in UTF-8: the limit passes, one past it does not', () => {
    const headers = { a: 'ä', bc: 'd' }
    expect(() => checkHeaders(headers, { maxHeaderBytes: 6 }, 'c')).not.toThrow()
    const error = failureOf(() => checkHeaders(headers, { maxHeaderBytes: 5 }, 'c'))
    expect([error.code, error.message]).toEqual([
      'tooLarge',
      'cannot send to "c": 6 bytes of headers and the broker takes 5; move data into the body',
    ])
  })

  test('counts headers', () => {
    const headers = { a: '', b: '' }
    expect(() => checkHeaders(headers, { ...roomy, maxHeaders: 2 }, 'c')).not.toThrow()
    const error = failureOf(() => checkHeaders(headers, { ...roomy, maxHeaders: 1 }, 'c'))
    expect([error.code, error.message]).toEqual([
      'tooLarge',
      expect.stringContaining('2 headers and the broker takes 1'),
    ])
  })

  test('any text either comes through unchanged or is refused', () => {
    const unsendable = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
        (value, name) => {
          const isFine = !unsendable.test(value + ' ' + name) && !/^(waybill-|ce[-_]|cloudevents[:_])/i.test(name)
          if (isFine) expect(checkHeaders(own(name, value), roomy, 'c')[name]).toBe(value)
          else expect(failureOf(() => checkHeaders(own(name, value), roomy, 'c')).code).toBe('invalidArgument')
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe.each([
  ['checkKey', checkKey],
  ['checkId', checkId],
] as const)('%s', (_name, check) => {
  test.each(['a', 'a b', '__proto__', 'k'.repeat(255), 'ä'.repeat(127), '🚚', ' '])('takes %j', (text) => {
    expect(() => check(text)).not.toThrow()
  })

  test.each([
    ['', 'must not be empty'],
    [undefined, 'not undefined'],
    [7, 'not number'],
    [null, 'not null'],
    ['a\nb', 'U+000A'],
    ['a\0', 'control character'],
    ['\ud800', 'lone surrogate'],
    ['k'.repeat(256), 'longer than 255 bytes'],
    ['ä'.repeat(128), 'longer than 255 bytes'],
  ])('refuses %j', (text, fix) => {
    const error = failureOf(() => check(text))
    expect([error.code, error.message]).toEqual(['invalidArgument', expect.stringContaining(fix)])
  })
})
