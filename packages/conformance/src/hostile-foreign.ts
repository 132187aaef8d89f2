import fc, { type Arbitrary } from 'fast-check'
import type { ForeignHeader, ForeignMessage, ForeignValue } from './foreign-message.ts'
import { hostileDocument, hugeDocument } from './hostile-json.ts'
import { hostileBytes, loadedNames } from './hostile-text.ts'

const integer = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 2n ** 53n, 253_402_300_800n),
)

const leaf: Arbitrary<ForeignValue> = fc.oneof(
  { weight: 6, arbitrary: hostileBytes.map((bytes) => ({ kind: 'text', bytes }) as const) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ kind: 'bytes', bytes }) as const) },
  { weight: 1, arbitrary: integer.map((value) => ({ kind: 'integer', value }) as const) },
  {
    weight: 1,
    arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({ kind: 'time', value }) as const),
  },
  { weight: 1, arbitrary: fc.double().map((value) => ({ kind: 'number', value }) as const) },
  { weight: 1, arbitrary: fc.boolean().map((value) => ({ kind: 'truth', value }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'nothing' } as const) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(255), fc.nat(2 ** 32 - 1))
      .map(([places, digits]) => ({ kind: 'decimal', places, digits }) as const),
  },
)

/** As long as any transport lets a name be. */
const name: Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...loadedNames, ...['ce-specversion', 'ce-time', 'ce-partitionkey', 'ce-datacontenttype'])
      .map((text) => Buffer.from(text)),
  },
  { weight: 4, arbitrary: hostileBytes.map((bytes) => bytes.subarray(0, 255)) },
  { weight: 1, arbitrary: fc.constantFrom(Buffer.alloc(255, 'n'), Buffer.alloc(255, 0xff)) },
)

const value: Arbitrary<ForeignValue> = fc.letrec<{ value: ForeignValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    { weight: 6, arbitrary: leaf },
    {
      weight: 1,
      arbitrary: fc.array(tie('value'), { maxLength: 4 }).map((items) => ({ kind: 'list', items }) as const),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.tuple(name, tie('value')), { maxLength: 4 })
        .map((entries) => ({ kind: 'table', entries }) as const),
    },
  ),
})).value

/** Lists in lists: cheap to write, dear to read for whoever goes through them more than once per level. */
const deepValue: Arbitrary<ForeignValue> = fc
  .tuple(fc.integer({ min: 10, max: 1_000 }), fc.boolean())
  .map(([depth, inTables]) => {
    let inner: ForeignValue = { kind: 'decimal', places: 255, digits: 1 }
    for (let level = 0; level < depth; level++) {
      inner = inTables ? { kind: 'table', entries: [[Buffer.from('!'), inner]] } : { kind: 'list', items: [inner] }
    }
    return inner
  })

const text = (bytes: string): ForeignValue => ({ kind: 'text', bytes: Buffer.from(bytes) })

/** CloudEvents in binary mode, each with something wrong or missing. */
const brokenEvent: Arbitrary<readonly ForeignHeader[]> = fc
  .record(
    {
      'ce-specversion': fc.constantFrom('1.0', '0.3', '', '1.0\0'),
      'ce-id': fc.constantFrom('a', '', '\u0001'),
      'ce-source': fc.constantFrom('/x', '', '\ud800'),
      'ce-type': fc.constantFrom('t', '', 't'.repeat(300)),
      'ce-time': fc.constantFrom('2020-01-01T00:00:00Z', 'yesterday', '9999-99-99', '1e999'),
    },
    { requiredKeys: [] },
  )
  .map((attributes) =>
    Object.entries(attributes).map(([key, each]) => [Buffer.from(key), text(each as string)] as const),
  )

/** CloudEvents in structured mode, most of them none. */
const structured: Arbitrary<Uint8Array> = fc.oneof(
  hostileDocument,
  fc
    .record(
      {
        specversion: fc.constantFrom<unknown>('1.0', '2.0', 1, null),
        id: fc.constantFrom<unknown>('a', '', 5, {}),
        source: fc.constantFrom<unknown>('/x', [], null),
        type: fc.constantFrom<unknown>('t', '', true),
        data: fc.jsonValue({ maxDepth: 2 }),
        data_base64: fc.constantFrom<unknown>('AAEC', '***', 7),
        datacontenttype: fc.constantFrom<unknown>('application/json', 'text/plain', 9),
        __proto__x: fc.constant('x'),
      },
      { requiredKeys: [] },
    )
    .map((event) => Buffer.from(JSON.stringify(event))),
  // As it should be, but for what it carries: nothing, at times.
  fc
    .record(
      {
        specversion: fc.constant('1.0'),
        id: fc.constantFrom<unknown>('a', 5),
        source: fc.constant('/x'),
        type: fc.constant('t'),
        data: fc.jsonValue({ maxDepth: 2 }),
      },
      { requiredKeys: ['specversion', 'id', 'source', 'type'] },
    )
    .map((event) => Buffer.from(JSON.stringify(event))),
)

const contentType = fc.option(
  fc.constantFrom(
    'application/json',
    'text/plain; charset=utf-16',
    'application/octet-stream',
    'x',
    '',
    'a/b\u0000',
    'application/cloudevents-batch+json',
  ),
  { nil: undefined },
)

/** More than may be written again, into a retry or a dead letter. */
const largeValue: Arbitrary<ForeignValue> = fc
  .constantFrom(40_000, 70_000, 90_000)
  .map((size) => ({ kind: 'text', bytes: Buffer.alloc(size, 'v') }) as const)

const plain: Arbitrary<ForeignMessage> = fc
  .record({
    headers: fc.array(fc.tuple(name, fc.oneof({ weight: 20, arbitrary: value }, { weight: 1, arbitrary: deepValue })), {
      maxLength: 5,
    }),
    // Not two: what a broker takes of headers is bounded, and such a message never gets in.
    large: fc.oneof(
      { weight: 30, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.tuple(name, largeValue) },
    ),
    contentType,
    body: fc.oneof({ weight: 60, arbitrary: hostileDocument }, { weight: 1, arbitrary: hugeDocument }),
  })
  .map(({ headers, large, contentType, body }) => ({
    headers: large === undefined ? headers : [...headers, large],
    ...(contentType === undefined ? {} : { contentType }),
    body,
  }))

/** A message from somebody who knows the wire and means no good. */
export const hostileForeign: Arbitrary<ForeignMessage> = fc.oneof(
  { weight: 6, arbitrary: plain },
  { weight: 2, arbitrary: fc.record({ headers: brokenEvent, body: hostileDocument }) },
  {
    weight: 1,
    arbitrary: structured.map((body) => ({
      headers: [],
      contentType: 'application/cloudevents+json; charset=utf-8',
      body,
    })),
  },
)
