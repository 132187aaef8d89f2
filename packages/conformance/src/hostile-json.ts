import fc, { type Arbitrary } from 'fast-check'
import { hostileBytes, hostileText } from './hostile-text.ts'

/** `{"a":{"a":…` or `[[…`, as a value. */
function nestedValue(depth: number, inList: boolean): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = inList ? [value] : { a: value }
  return value
}

function circular(): unknown {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}

const throwing = (): never => {
  throw new Error('planted')
}

/** What JSON cannot say, or says otherwise than it was meant. Made anew each time. */
const unsayable: readonly (() => unknown)[] = [
  () => 1n,
  () => Symbol('s'),
  () => () => 1,
  () => Number.NaN,
  () => new Map([[1, 2]]),
  () => new Date(Number.NaN),
  () => ({ toJSON: throwing }),
  () => Object.defineProperty({}, 'x', { enumerable: true, get: throwing }),
  () => new Proxy({}, { ownKeys: throwing }),
  circular,
  () => nestedValue(200_000, true),
]

/** Any value an application may hand to the JSON codec. */
export const hostileValue: Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 4, arbitrary: fc.dictionary(hostileText, hostileText, { maxKeys: 5 }) },
  { weight: 2, arbitrary: hostileText },
  { weight: 2, arbitrary: fc.constantFrom(...unsayable).map((make) => make()) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 2_000 }), fc.boolean())
      .map(([depth, list]) => nestedValue(depth, list)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('{"__proto__":{"polluted":1}}', '[{"constructor":{"prototype":{"polluted":1}}}]')
      .map((text) => JSON.parse(text) as unknown),
  },
)

const mebibyte = 1_048_576

/** JSON texts, some of which are none, in UTF-8 or not. */
export const hostileDocument: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: hostileBytes },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        ...[
          '{"__proto__":{"polluted":1}}',
          '{"a":1,"a":2}',
          '{"a":',
          '[1,]',
          'NaN',
          '{"a":"\\ud800"}',
          '1e999',
          '""',
          '',
        ],
        ...[
          '{"constructor":{"prototype":{"polluted":1}}}',
          '\ufeff{}',
          "{'a':1}",
          'null',
          '{"toString":1,"valueOf":2}',
        ],
      )
      .map((text) => Buffer.from(text)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 100_000 }), fc.boolean())
      .map(([depth, closed]) => Buffer.from('['.repeat(depth) + (closed ? ']'.repeat(depth) : ''))),
  },
)

/** Large enough to hurt whoever looks at it more than once. Rare: each is a mebibyte. */
export const hugeDocument: Arbitrary<Uint8Array> = fc.constantFrom(
  Buffer.from(JSON.stringify('x'.repeat(mebibyte))),
  Buffer.from(`[${'0,'.repeat(mebibyte / 2)}0]`),
  Buffer.from(`{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":${n}`).join(',')}}`),
)
