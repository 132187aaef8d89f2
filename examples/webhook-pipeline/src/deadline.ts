import { setTimeout as pause } from 'node:timers/promises'

/** A wait that was given up. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** @throws DeadlineError when `work` takes longer; its outcome is ignored then. */
export async function within<T>(what: string, deadlineMs: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = pause(deadlineMs, undefined, { signal: timer.signal }).then(() => {
    throw new DeadlineError(`${what}: not done after ${deadlineMs / 1000} s`)
  })
  // The timer is aborted once the work is done: nobody is told.
  late.catch(() => {})
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

/** @throws the signal's reason when it aborts before `work` is done, whose outcome is ignored then. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  work.catch(() => {})
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Resolves to true once `reached`, to false when `progress` has stood still for `stallMs`. */
export async function reachedBeforeStall(
  reached: () => boolean,
  progress: () => number,
  stallMs: number,
): Promise<boolean> {
  let seen = progress()
  let since = performance.now()
  while (!reached()) {
    await pause(10)
    const now = progress()
    if (now !== seen) since = performance.now()
    else if (performance.now() - since > stallMs) return false
    seen = now
  }
  return true
}
