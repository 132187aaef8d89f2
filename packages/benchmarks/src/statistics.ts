/** A ratio with the interval that holds it with 95% confidence. */
export interface Ratio {
  readonly value: number
  readonly low: number
  readonly high: number
}

const resamples = 2_000

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** Between ranks by straight line. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * The ratio of the medians, with a bootstrap interval.
 *
 * Rounds are drawn whole: `values[n]` and `base[n]` were measured side by side, so what slowed both stays in both.
 */
export function ratioOfMedians(values: readonly number[], base: readonly number[]): Ratio {
  const rounds = Math.min(values.length, base.length)
  const chance = chanceFrom(rounds)
  const ratios: number[] = []
  for (let sample = 0; sample < resamples; sample++) {
    const drawn = Array.from({ length: rounds }, () => Math.floor(chance() * rounds))
    ratios.push(median(drawn.map((at) => values[at] as number)) / median(drawn.map((at) => base[at] as number)))
  }
  return { value: median(values) / median(base), low: percentile(ratios, 0.025), high: percentile(ratios, 0.975) }
}

/** mulberry32: the same figures give the same interval. */
function chanceFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
