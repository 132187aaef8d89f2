import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkRetryPolicy, defaultRetryPolicy, delayAfter, exponential, tiersOf } from '../src/retry-policy.ts'

describe('exponential', () => {
  it.each([
    [{ maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000 }, [200, 400, 800, 1_600]],
    [{ maxAttempts: 4, initialDelayMs: 100, maxDelayMs: 150 }, [100, 150]],
    [{ maxAttempts: 1, initialDelayMs: 100, maxDelayMs: 150 }, []],
    [{ maxAttempts: 9, initialDelayMs: 100, maxDelayMs: 1_000, factor: 1 }, [100]],
    [{ maxAttempts: Infinity, initialDelayMs: 0, maxDelayMs: 8 }, [0]],
    [{ maxAttempts: 4, initialDelayMs: 1, maxDelayMs: 9, factor: 1.5 }, [1, 2, 2]],
    [{ maxAttempts: Infinity, initialDelayMs: 1, maxDelayMs: 8 }, [1, 2, 4, 8]],
  ])('%o', (options, delaysMs) => {
    expect(exponential(options)).toEqual({ maxAttempts: options.maxAttempts, delaysMs })
  })

  it.each([
    { maxAttempts: 0, initialDelayMs: 1, maxDelayMs: 1 },
    { maxAttempts: 1.5, initialDelayMs: 1, maxDelayMs: 1 },
    { maxAttempts: 2, initialDelayMs: -1, maxDelayMs: 1 },
    { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: NaN },
    { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1, factor: 0.5 },
  ])('refuses %o', (options) => {
    expect(() => exponential(options)).toThrow(expect.objectContaining({ code: 'invalidArgument' }))
  })

  it('ends for every policy that it accepts', () => {
    const options = fc.record({
      maxAttempts: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.constant(Infinity)),
      initialDelayMs: fc.integer({ min: 1, max: 10_000 }),
      maxDelayMs: fc.integer({ min: 1, max: 100_000 }),
      factor: fc.double({ min: 1.01, max: 10, noNaN: true }),
    })
    fc.assert(
      fc.property(options, (given) => {
        const policy = exponential(given)
        checkRetryPolicy(policy)
        expect(policy.delaysMs.every((delayMs) => delayMs <= given.maxDelayMs)).toBe(true)
        expect([...policy.delaysMs].sort((a, b) => a - b)).toEqual(policy.delaysMs)
      }),
    )
  })
})

describe('delayAfter', () => {
  it('repeats the last delay', () => {
    expect([1, 2, 3, 4, 5, 99].map((attempt) => delayAfter(defaultRetryPolicy, attempt))).toEqual([
      200, 400, 800, 1_600, 1_600, 1_600,
    ])
    expect(delayAfter({ maxAttempts: 3, delaysMs: [] }, 1)).toBe(0)
  })
})

it('tiersOf gives each delay once, ascending', () => {
  expect(tiersOf({ maxAttempts: 9, delaysMs: [30, 10, 30, 20] })).toEqual([10, 20, 30])
})
