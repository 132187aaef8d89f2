import type { Random } from './random.ts'

/**
 * How long to wait before trying again: doubles with each attempt, with jitter between half and the whole of it.
 *
 * `attempt` is 1 for the wait after the first failure. Defaults: from 50 ms to at most 5 s. Whole milliseconds.
 */
export function backoffMs(
  attempt: number,
  random: Random,
  { initialMs = 50, maxMs = 5000 }: { initialMs?: number; maxMs?: number } = {},
): number {
  const fullMs = Math.min(maxMs, initialMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(fullMs / 2 + (random.next() * fullMs) / 2)
}
