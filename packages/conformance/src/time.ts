import { fail } from 'node:assert/strict'
import { inspect } from 'node:util'

/** The only place of the kit that reads a clock or sets a timer. Real time: brokers have no other. */
export const monotonicMs = (): number => performance.now()

/** Resolves after `ms`, or as soon as `signal` aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}

/** What `promise` gives; fails, saying `what` did not happen, once `ms` have passed. */
export async function within<T>(what: string, ms: number, promise: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Calls `probe` until it gives something other than `false` or `undefined` and does not throw, and gives that.
 *
 * Fails once `withinMs` have passed, with the last answer or error; also when a single call hangs.
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  { withinMs, everyMs = 10, signal }: { withinMs: number; everyMs?: number; signal?: AbortSignal },
): Promise<Exclude<T, false | undefined>> {
  const endsAt = monotonicMs() + withinMs
  let last: unknown = 'nothing'
  while (signal?.aborted !== true) {
    try {
      const answer = await within('one look', Math.max(endsAt - monotonicMs(), 100), Promise.resolve(probe()))
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
      last = answer
    } catch (error) {
      last = error
    }
    if (monotonicMs() >= endsAt) break
    await sleep(everyMs, signal)
  }
  fail(`${what}: not within ${withinMs} ms; last: ${last instanceof Error ? last.message : inspect(last)}`)
}
