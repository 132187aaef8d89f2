import type { Clock } from './driver/clock.ts'

/**
 * The promise's outcome, or `makeError()` once `ms` milliseconds have passed without one.
 *
 * The timer is gone as soon as either happens. An outcome after the deadline is dropped, a rejection too.
 */
export function withDeadline<T>(promise: PromiseLike<T>, ms: number, clock: Clock, makeError: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(makeError()))
    promise.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (error: unknown) => {
        timer.cancel()
        reject(error)
      },
    )
  })
}
