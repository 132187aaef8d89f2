import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Capabilities } from '../src/driver/capabilities.ts'
import type { Driver } from '../src/driver/driver.ts'
import { nextHopMs, retryStrategy } from '../src/retry-strategy.ts'

const policy = { maxAttempts: 4, delaysMs: [100, 1_000, 5_000] }
const demand = { channel: 'orders', group: 'billing', keyed: false, temporary: false, policy }
const delayedSend = { toGroupMs: 10_000, toChannelMs: 0, granularityMs: 1, tiersOnly: false, withOrder: false }

function driverWith(capabilities: Partial<Capabilities>): Driver {
  return { system: 'test', capabilities: { holdMs: 60_000, delayLanes: false, ...capabilities } } as Driver
}

describe('retryStrategy', () => {
  it.each([
    ['order holds, whatever else there is', { delayedSend }, { keyed: true }, { kind: 'hold' }],
    ['a temporary group holds', { delayedSend }, { temporary: true }, { kind: 'hold' }],
    [
      'in place before a copy',
      { delayedSend, retryInPlace: { maxMs: 9_000, granularityMs: 1 } },
      {},
      { kind: 'inPlace', maxMs: 9_000 },
    ],
    ['a delayed copy', { delayedSend }, {}, { kind: 'copy', maxMs: 10_000, tiersMs: undefined }],
    [
      'tiers',
      { delayedSend: { ...delayedSend, tiersOnly: true } },
      {},
      { kind: 'copy', maxMs: 10_000, tiersMs: [100, 1_000, 5_000] },
    ],
    ['lanes', { delayLanes: true }, {}, { kind: 'lane', tiersMs: [100, 1_000, 5_000] }],
    [
      'no retry needs nothing',
      {},
      { policy: { maxAttempts: 1, delaysMs: [] } },
      { kind: 'copy', maxMs: 0, tiersMs: undefined },
    ],
  ])('%s', (_name, capabilities, change, expected) => {
    expect(retryStrategy(driverWith(capabilities), { ...demand, ...change })).toEqual(expected)
  })

  const endless = { ...policy, maxAttempts: Infinity }
  it.each([
    [
      'nothing to delay with',
      {},
      {},
      'retries',
      'the broker can delay nothing; set retry: { maxAttempts: 1, delaysMs: [] }',
    ],
    [
      'delays to channels only',
      { delayedSend: { ...delayedSend, toGroupMs: 0 } },
      {},
      'retries',
      'the broker can delay nothing; set retry: { maxAttempts: 1, delaysMs: [] }',
    ],
    [
      'too long in place',
      { retryInPlace: { maxMs: 4_999, granularityMs: 1 } },
      {},
      'a retry delay of 5000 ms',
      'the broker can delay 4999 ms at most; use a shorter one',
    ],
    [
      'too many deliveries',
      { retryInPlace: { maxMs: 9_000, granularityMs: 1, maxDeliveries: 3 } },
      {},
      '4 attempts',
      'the broker delivers at most 3 times; use fewer',
    ],
    [
      'too long for a copy',
      { delayedSend: { ...delayedSend, toGroupMs: 4_999 } },
      {},
      'a retry delay of 5000 ms',
      'the broker can delay 4999 ms at most; use a shorter one',
    ],
    [
      'too long to hold in all',
      { holdMs: 6_099 },
      { keyed: true },
      'retries that hold a message for 6100 ms',
      'the broker lets a consumer keep one for 6099 ms; use shorter delays or fewer attempts',
    ],
    [
      'too long to hold in all, the last delay repeated',
      { holdMs: 16_099 },
      { keyed: true, policy: { ...policy, maxAttempts: 6 } },
      'retries that hold a message for 16100 ms',
      'the broker lets a consumer keep one for 16099 ms; use shorter delays or fewer attempts',
    ],
    [
      'too long to hold once',
      { holdMs: 4_999 },
      { keyed: true, policy: endless },
      'retries that hold a message for 5000 ms',
      'the broker lets a consumer keep one for 4999 ms; use shorter delays or fewer attempts',
    ],
  ])('refuses: %s', (_name, capabilities, change, what, why) => {
    const message = `cannot consume "orders" as "billing" with ${what} on test: ${why}`
    const about = { code: 'unsupported', channel: 'orders', group: 'billing', system: 'test' }
    const error = expect.objectContaining({ ...about, message })
    expect(() => retryStrategy(driverWith(capabilities), { ...demand, ...change })).toThrow(error)
  })

  it('takes each limit exactly', () => {
    expect(retryStrategy(driverWith({ delayedSend: { ...delayedSend, toGroupMs: 5_000 } }), demand).kind).toBe('copy')
    expect(retryStrategy(driverWith({ holdMs: 6_100 }), { ...demand, keyed: true }).kind).toBe('hold')
    expect(retryStrategy(driverWith({ holdMs: 5_000 }), { ...demand, keyed: true, policy: endless }).kind).toBe('hold')
    const retryInPlace = { maxMs: 5_000, granularityMs: 1, maxDeliveries: 4 }
    expect(retryStrategy(driverWith({ retryInPlace }), demand)).toEqual({ kind: 'inPlace', maxMs: 5_000 })
  })
})

describe('nextHopMs', () => {
  const tiersMs = [100, 1_000, 5_000]
  it.each([
    [100, 100],
    [99, 100],
    [999, 100],
    [1_000, 1_000],
    [7_000, 5_000],
  ])('%i ms left: %i', (remainingMs, expected) => {
    expect(nextHopMs({ tiersMs }, remainingMs)).toBe(expected)
  })

  it.each([
    [{ tiersMs: undefined }, 700, 700],
    [{ tiersMs: undefined, maxMs: 500 }, 700, 500],
    [{ tiersMs: undefined, maxMs: 900 }, 700, 700],
    [{ tiersMs: [], maxMs: 500 }, 700, 500],
    [{ tiersMs: [0, 100] }, 50, 100],
    [{ tiersMs: [0] }, 50, 0],
    [{ tiersMs: [5_000, 100] }, 700, 5_000],
  ])('%j, %i ms left: %i', (strategy, remainingMs, expected) => {
    expect(nextHopMs(strategy, remainingMs)).toBe(expected)
  })

  it('arrives at or after the due time, by less than the smallest tier', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), (delayMs) => {
        let leftMs = delayMs
        while (leftMs > 0) leftMs -= nextHopMs({ tiersMs }, leftMs)
        expect(leftMs).toBeLessThanOrEqual(0)
        expect(leftMs).toBeGreaterThan(-100)
      }),
    )
  })
})
