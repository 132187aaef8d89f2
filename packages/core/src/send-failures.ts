import { MessagingError, type SendFailureOf } from './messaging-error.ts'
import { textOf } from './wrap-error.ts'

/** All results, or one error that names exactly the entries that failed. Conformance: SND-05. */
export async function rejectedSends<T>(sends: readonly Promise<T>[], what: string): Promise<T[]> {
  const results: T[] = []
  const failures: SendFailureOf[] = []
  for (const [index, settled] of (await Promise.allSettled(sends)).entries()) {
    if (settled.status === 'fulfilled') results.push(settled.value)
    else failures.push({ index, error: asMessagingError(settled.reason, what) })
  }
  const first = failures[0]
  if (first === undefined) return results
  throw new MessagingError(
    first.error.code,
    `${what}: ${failures.length} of ${sends.length} failed, the first (index ${first.index}) with: ${first.error.message}`,
    { failures, retryable: failures.every(({ error }) => error.retryable), cause: first.error },
  )
}

export function asMessagingError(error: unknown, what: string): MessagingError {
  if (MessagingError.is(error)) return error
  return new MessagingError('internal', `${what}: ${textOf(error)}`, { cause: error })
}
