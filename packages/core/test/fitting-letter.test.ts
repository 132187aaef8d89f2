import { expect, test } from 'vitest'
import { fittingLetter } from '../src/fitting-letter.ts'
import type { WireMessage } from '../src/driver/wire-message.ts'
import { envelopeBytes } from '../src/envelope-size.ts'

const limits = { maxHeaderBytes: 4_096 }
const letter = {
  id: 'i'.repeat(5_000),
  source: '/s',
  type: 't',
  time: undefined,
  contentType: undefined,
  key: 'k',
  extensions: { subject: 's'.repeat(9_000), mine: 'm' },
  headers: {
    'waybill-failure-type': 'Error',
    small: '1',
    large: 'l'.repeat(9_000),
    ['n'.repeat(300)]: 'x',
    other: '2',
  },
  body: Buffer.from('body'),
}

test('keeps the body, the record and what is small, and counts what is lost', () => {
  const fitting = fittingLetter(letter, { maxHeaderBytes: 4_096 })!
  expect(fitting).toMatchObject({ id: undefined, source: '/s', key: 'k', body: letter.body })
  expect({ ...fitting.extensions }).toEqual({ mine: 'm' })
  const record = { 'waybill-failure-type': 'Error', 'waybill-failure-lost-headers': '4' }
  expect({ ...fitting.headers }).toEqual({ ...record, small: '1', other: '2' })
  expect(envelopeBytes(fitting)).toBeLessThanOrEqual(4_096)
})

test('keeps no more headers than the broker takes', () => {
  const { headers } = fittingLetter(letter, { maxHeaderBytes: 65_536, maxHeaders: 1 })!
  expect(Object.keys(headers).filter((name) => !name.startsWith('waybill-'))).toEqual(['small'])
})

test('cuts what was refused again to half, until nothing is left to cut', () => {
  const sizes: number[] = []
  let last = letter as WireMessage
  for (let next = fittingLetter(last, limits); next !== undefined; next = fittingLetter(last, limits)) {
    sizes.push(envelopeBytes(next))
    last = next
  }
  expect(sizes.length).toBeGreaterThan(1)
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  expect(Object.keys(last.headers)).toEqual(['waybill-failure-type', 'waybill-failure-lost-headers'])
})
