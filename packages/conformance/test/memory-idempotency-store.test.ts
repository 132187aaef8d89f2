import { ManualClock } from '@waybill/core/driver'
import { describe, expect, test } from 'vitest'
import { memoryIdempotencyStore } from '@waybill/core'
import { idempotencyStoreCases } from '../src/store.ts'

const cases = idempotencyStoreCases(async ({ retentionMs }) => {
  const clock = new ManualClock()
  return { store: memoryIdempotencyStore({ retentionMs, clock }), advance: async (ms) => clock.advance(ms) }
})

describe('memoryIdempotencyStore', () => {
  test.each(cases.map(({ id, title, run }) => [id, title, run] as const))('%s %s', async (_id, _title, run) => run())

  test('the suite numbers its cases without gaps', () => {
    const expected = Array.from({ length: 40 }, (_, index) => `IDS-${String(index + 1).padStart(2, '0')}`)
    expect(cases.map((each) => each.id)).toEqual(expected)
  })
})
