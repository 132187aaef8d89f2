import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Capabilities, Driver } from '../src/driver/driver.ts'
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

  it.each([
    ['nothing to delay with', {}, {}],
    ['too long in place', { retryInPlace: { maxMs: 4_999, granularityMs: 1 } }, {}],
    ['too many deliveries', { retryInPlace: { maxMs: 9_000, granularityMs: 1, maxDeliveries: 3 } }, {}],
    ['too long for a copy', { delayedSend: { ...delayedSend, toGroupMs: 4_999 } }, {}],
    ['too long to hold in all', { holdMs: 6_099 }, { keyed: true }],
    ['too long to hold once', { holdMs: 4_999 }, { keyed: true, policy: { ...policy, maxAttempts: Infinity } }],
  ])('refuses: %s', (_name, capabilities, change) => {
    const error = expect.objectContaining({
      code: 'unsupported',
      message: expect.stringContaining('"orders"') as string,
    })
    expect(() => retryStrategy(driverWith(capabilities), { ...demand, ...change })).toThrow(error)
  })

  it('takes each limit exactly', () => {
    expect(retryStrategy(driverWith({ delayedSend: { ...delayedSend, toGroupMs: 5_000 } }), demand).kind).toBe('copy')
    expect(retryStrategy(driverWith({ holdMs: 6_100 }), { ...demand, keyed: true }).kind).toBe('hold')
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
