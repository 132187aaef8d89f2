import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RepeatedText } from '../src/kafka-repeated-text.ts'

const values = fc.oneof(
  fc
    .constantFrom('1.0', '/shop', 'order.placed', 'é', 'x'.repeat(48), 'x'.repeat(49), '')
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
)

it('reads what the bytes say, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 20 }), (sequence) => {
      const reader = new RepeatedText()
      for (const bytes of sequence) expect(reader.read(bytes, 0, bytes.length)).toBe(bytes.toString())
    }),
  )
})

it('remembers no bytes that somebody else goes on to use', () => {
  const reader = new RepeatedText()
  const bytes = Buffer.from('first')
  expect(reader.read(bytes, 0, 5)).toBe('first')
  bytes.write('other')
  expect(reader.read(bytes, 0, 5)).toBe('other')
})
