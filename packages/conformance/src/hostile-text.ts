import fc, { type Arbitrary } from 'fast-check'

/** Names that objects answer to by themselves, that clients act on, or that are the core's own. */
export const loadedNames = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'then'],
  ...['toJSON', 'length', '!', 'value', 'CC', 'BCC', 'x-death', 'x-delivery-count', 'content-type', 'id', 'key'],
  ...[
    'ce-id',
    'ce-type',
    'cloudEvents:id',
    'waybill-attempt',
    'waybill-header-x',
    'waybill-tombstone',
    'waybill-reply-to',
  ],
  ...['waybill-first-failure-at', 'waybill-failure-type', 'waybill-failure-attempts', 'traceparent', 'tracestate'],
]

const large = 65_536

/** UTF-16 units, whether or not they make characters. */
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units))

const controls = fc
  .tuple(fc.string({ maxLength: 8 }), fc.integer({ min: 0, max: 0x21 }), fc.constantFrom(0, 0x7f, 0x80))
  .map(([text, low, base]) => `${text}${String.fromCharCode(base + low)}${text}`)

/** Text that some part on the way may take for something else. */
export const hostileText: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 30 }) },
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 4, arbitrary: fc.constantFrom(...loadedNames) },
  { weight: 2, arbitrary: controls },
  { weight: 2, arbitrary: anyUnits },
  { weight: 1, arbitrary: fc.constantFrom('\r\nx: y', 'a\0b', '\ud800', '\udfff\ud800', '\ufffe', '%0d%0a', '') },
)

/** Rarely as long as a name can be written anywhere. */
export const hostileName: Arbitrary<string> = fc.oneof(
  { weight: 60, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.constantFrom('n', 'ü', '\ud800').map((unit) => unit.repeat(large)) },
)

/** Bytes where text belongs: often none, cut off, overlong, or after a byte order mark. */
export const hostileBytes: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: hostileText.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        [0xff],
        [0xc0, 0x80],
        [0xed, 0xa0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xe2, 0x82],
        [0xef, 0xbb, 0xbf, 0x31],
      ].map((bytes) => Uint8Array.from(bytes)),
    ),
  },
)
