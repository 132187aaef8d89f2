import { MessagingError } from './messaging-error.ts'

/**
 * How often and how late a failed message runs again. Data, not a function, so that it can be checked against the
 * broker at startup and laid out as fixed tiers.
 */
export interface RetryPolicy {
  /** Runs in all, the first included. `Infinity` blocks rather than dead-letters. */
  readonly maxAttempts: number
  /** Milliseconds before the second run, the third, …; each is a floor, and the last one repeats. */
  readonly delaysMs: readonly number[]
}

/** Delays that grow by `factor` (default 2) from `initialDelayMs` up to `maxDelayMs`. */
export function exponential(options: {
  maxAttempts: number
  initialDelayMs: number
  maxDelayMs: number
  factor?: number
}): RetryPolicy {
  const { maxAttempts, initialDelayMs, maxDelayMs, factor = 2 } = options
  checkMaxAttempts(maxAttempts)
  checkDelay('initialDelayMs', initialDelayMs)
  checkDelay('maxDelayMs', maxDelayMs)
  if (!(factor >= 1 && Number.isFinite(factor))) refuse(`factor must be a number of at least 1, not ${factor}`)
  const delaysMs: number[] = []
  const grows = factor > 1 && initialDelayMs > 0
  for (let exactMs = initialDelayMs; delaysMs.length < maxAttempts - 1; exactMs *= factor) {
    delaysMs.push(Math.min(Math.round(exactMs), maxDelayMs))
    if (exactMs >= maxDelayMs || !grows) break
  }
  return { maxAttempts, delaysMs }
}

/** Used where a consumer names no policy. */
export const defaultRetryPolicy: RetryPolicy = exponential({ maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000 })

/** The delay after the run number `attempt` failed. */
export function delayAfter(policy: RetryPolicy, attempt: number): number {
  const { delaysMs } = policy
  return delaysMs[Math.min(attempt, delaysMs.length) - 1] ?? 0
}

/** The distinct delays, ascending: what a broker with fixed tiers is asked to lay out. */
export function tiersOf(policy: RetryPolicy): readonly number[] {
  return [...new Set(policy.delaysMs)].sort((a, b) => a - b)
}

/** @throws MessagingError `invalidArgument` when the policy is not one. */
export function checkRetryPolicy(policy: RetryPolicy): void {
  checkMaxAttempts(policy.maxAttempts)
  if (!Array.isArray(policy.delaysMs)) refuse('delaysMs must be an array of milliseconds')
  for (const [index, delayMs] of policy.delaysMs.entries()) checkDelay(`delaysMs[${index}]`, delayMs)
}

function checkMaxAttempts(maxAttempts: number): void {
  if (maxAttempts === Infinity || (Number.isInteger(maxAttempts) && maxAttempts >= 1)) return
  refuse(`maxAttempts must be a whole number of at least 1, or Infinity, not ${maxAttempts}`)
}

function checkDelay(name: string, delayMs: number): void {
  if (Number.isInteger(delayMs) && delayMs >= 0) return
  refuse(`${name} must be a whole number of milliseconds of at least 0, not ${delayMs}`)
}

function refuse(what: string): never {
  throw new MessagingError('invalidArgument', `retry policy: ${what}`)
}
