import { setTimeout as pause } from 'node:timers/promises'
import { BrokerError, reasonOf } from './broker-error.ts'

/** Sees what `work` resolves to, or throws `timeout` naming `what` once `deadlineMs` has passed. */
export async function within<T>(what: string, deadlineMs: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const expired = pause(deadlineMs, undefined, { signal: timer.signal }).then(() => {
    throw new BrokerError('timeout', `${what} took longer than ${deadlineMs} ms`)
  })
  try {
    return await Promise.race([work, expired])
  } finally {
    timer.abort()
    expired.catch(() => {})
    work.catch(() => {})
  }
}

/**
 * Repeats `attempt` until it neither throws nor resolves to `undefined`, and resolves to its value.
 *
 * One attempt cannot outlive the deadline. The error carries the reason of the last attempt.
 *
 * @throws `timeout`
 */
export async function eventually<T>(
  what: string,
  deadlineMs: number,
  attempt: () => Promise<T | undefined>,
  everyMs = 100,
): Promise<T> {
  const end = performance.now() + deadlineMs
  let last: unknown = 'no answer yet'
  while (performance.now() < end) {
    try {
      const value = await within('one attempt', Math.max(1, end - performance.now()), attempt())
      if (value !== undefined) return value
    } catch (thrown) {
      last = thrown
    }
    await pause(everyMs)
  }
  throw new BrokerError('timeout', `${what} did not happen within ${deadlineMs} ms: ${reasonOf(last)}`, { cause: last })
}
