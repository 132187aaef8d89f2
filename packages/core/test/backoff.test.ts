import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs } from '../src/driver/backoff.ts'

const always = (value: number) => ({ next: () => value, fill: () => {} })

describe('backoffMs', () => {
  test.each([
    [1, 25, 50],
    [2, 50, 100],
    [3, 100, 200],
    [7, 1600, 3200],
    [8, 2500, 5000],
    [100, 2500, 5000],
    [5000, 2500, 5000],
    [0, 25, 50],
  ])('attempt %i waits from %i to %i ms', (attempt, least, most) => {
    expect(backoffMs(attempt, always(0))).toBe(least)
    expect(backoffMs(attempt, always(1 - 2 ** -53))).toBe(most)
    expect(backoffMs(attempt, always(0.5))).toBe(Math.round((least + most) / 2))
  })

  test('takes its own bounds', () => {
    expect(backoffMs(1, always(0), { initialMs: 1000, maxMs: 8000 })).toBe(500)
    expect(backoffMs(9, always(0), { initialMs: 1000, maxMs: 8000 })).toBe(4000)
    expect(backoffMs(1, always(0.9), { initialMs: 9000 })).toBe(4750)
  })

  test('is a whole number between half and the whole of the bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
        const delayMs = backoffMs(attempt, always(chance))
        expect(Number.isInteger(delayMs)).toBe(true)
        expect(delayMs).toBeGreaterThanOrEqual(25)
        expect(delayMs).toBeLessThanOrEqual(5000)
      }),
    )
  })
})
