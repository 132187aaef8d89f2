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

  it.each([
    [{ maxAttempts: 0 }, 'maxAttempts must be a whole number of at least 1, or Infinity, not 0'],
    [{ initialDelayMs: -1 }, 'initialDelayMs must be a whole number of milliseconds of at least 0, not -1'],
    [{ maxDelayMs: 0.5 }, 'maxDelayMs must be a whole number of milliseconds of at least 0, not 0.5'],
    [{ factor: Infinity }, 'factor must be a number of at least 1, not Infinity'],
  ])('says what is wrong with %j', (change, what) => {
    const options = { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1, ...change }
    expect(() => exponential(options)).toThrow(`retry policy: ${what}`)
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

describe('checkRetryPolicy', () => {
  it.each([
    { maxAttempts: 1, delaysMs: [] },
    { maxAttempts: Infinity, delaysMs: [0, 5] },
  ])('takes %j', (policy) => {
    expect(() => checkRetryPolicy(policy)).not.toThrow()
  })

  it.each([
    [{ maxAttempts: 0, delaysMs: [] }, 'maxAttempts must be a whole number'],
    [{ maxAttempts: 2, delaysMs: 5 as unknown as number[] }, 'delaysMs must be an array of milliseconds'],
    [{ maxAttempts: 2, delaysMs: { entries: () => [] } as unknown as number[] }, 'delaysMs must be an array'],
    [{ maxAttempts: 2, delaysMs: [1, -1] }, 'delaysMs[1] must be a whole number of milliseconds of at least 0, not -1'],
    [{ maxAttempts: 2, delaysMs: [0.5] }, 'delaysMs[0] must be a whole number of milliseconds'],
  ])('refuses %j', (policy, what) => {
    const error = { code: 'invalidArgument', message: expect.stringContaining(`retry policy: ${what}`) as string }
    expect(() => checkRetryPolicy(policy)).toThrow(expect.objectContaining(error))
  })
})
