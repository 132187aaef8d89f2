import { describe, expect, test } from 'vitest'
import { errorOfMeanRatio, median, pairedDifference, pairedRatio, percentile } from '../src/statistics.ts'

/** A machine that is now fast, now slow, which is the same for all that run in one round. */
const speeds = Array.from({ length: 28 }, (_, round) => 10_000 * (1 + 0.5 * Math.sin(round * 1.7)))

describe('a paired ratio', () => {
  test('is not moved by what slows a whole round', () => {
    const { value, low, high } = pairedRatio(
      speeds.map((speed) => 0.97 * speed),
      speeds,
    )
    expect(value).toBeCloseTo(0.97, 6)
    expect(high - low).toBeLessThan(0.001)
  })

  test('is not moved by one odd round', () => {
    const odd = speeds.map((speed, round) => (round === 5 ? speed / 10 : speed))
    expect(pairedRatio(odd, speeds).value).toBeCloseTo(1, 6)
  })

  test('has an interval that grows with what the rounds disagree about', () => {
    const noisy = (share: number) => speeds.map((speed, round) => speed * (1 + share * Math.cos(round * 2.3)))
    const width = (share: number) => {
      const { low, high } = pairedRatio(noisy(share), speeds)
      return high - low
    }
    expect(width(0.1)).toBeGreaterThan(2 * width(0.02))
    const { low, high } = pairedRatio(noisy(0.1), speeds)
    expect(low).toBeLessThan(1)
    expect(high).toBeGreaterThan(1)
  })
})

test('the error of a ratio shrinks with the root of the rounds', () => {
  const noisy = speeds.map((speed, round) => speed * (round % 2 === 0 ? 1.1 : 1 / 1.1))
  const once = errorOfMeanRatio(noisy, speeds)
  const fourTimes = errorOfMeanRatio(
    [...noisy, ...noisy, ...noisy, ...noisy],
    [...speeds, ...speeds, ...speeds, ...speeds],
  )
  expect(once).toBeCloseTo(Math.log(1.1) / Math.sqrt(27), 6)
  expect(once / fourTimes).toBeCloseTo(2, 1)
})

test('a paired difference is that of most rounds', () => {
  const base = [20, 25, 30, 22, 28]
  expect(pairedDifference([23, 28, 33, 25, 90], base)).toBeCloseTo(3, 6)
})

test('percentiles lie between ranks', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(percentile([1, 2, 3, 4, 5], 0.25)).toBe(2)
  expect(percentile([], 0.5)).toBeNaN()
})
