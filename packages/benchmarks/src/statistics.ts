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
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * By how much `values` differ from `base`, of pairs measured in the same round: what slowed a whole round stays out.
 *
 * The median of all means of two differences (Hodges and Lehmann), which one odd round does not move and which needs
 * fewer rounds than a median of rounds does.
 */
export function pairedDifference(values: readonly number[], base: readonly number[]): number {
  return hodgesLehmann(differences(values, base))
}

/** As `pairedDifference`, for ratios, with a bootstrap interval over whole rounds. */
export function pairedRatio(values: readonly number[], base: readonly number[]): Ratio {
  const logs = logRatios(values, base)
  const chance = chanceFrom(logs.length)
  const drawn = Array.from({ length: resamples }, () =>
    hodgesLehmann(logs.map(() => logs[Math.floor(chance() * logs.length)] as number)),
  )
  return {
    value: Math.exp(hodgesLehmann(logs)),
    low: Math.exp(percentile(drawn, 0.025)),
    high: Math.exp(percentile(drawn, 0.975)),
  }
}

/** The standard error of the mean of paired ratios, as a share of it. */
export function errorOfMeanRatio(values: readonly number[], base: readonly number[]): number {
  const logs = logRatios(values, base)
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length
  const squares = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return Math.sqrt(squares / (logs.length - 1) / logs.length)
}

function logRatios(values: readonly number[], base: readonly number[]): number[] {
  return differences(values.map(Math.log), base.map(Math.log))
}

function differences(values: readonly number[], base: readonly number[]): number[] {
  return values.slice(0, base.length).map((value, round) => value - (base[round] as number))
}

function hodgesLehmann(values: readonly number[]): number {
  const means = new Float64Array((values.length * (values.length + 1)) / 2)
  let count = 0
  for (const [at, one] of values.entries()) {
    for (let other = at; other < values.length; other++) means[count++] = (one + (values[other] as number)) / 2
  }
  return percentile(means, 0.5)
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
