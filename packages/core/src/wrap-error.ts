import { types } from 'node:util'
import type { Driver } from './driver/driver.ts'
import { MessagingError, type MessagingErrorDetails } from './messaging-error.ts'

/** Wraps what a client library threw, once; what is wrapped already stays as it is. Conformance: ERR-02. */
export function wrapError(
  driver: Driver,
  error: unknown,
  what: string,
  details: MessagingErrorDetails = {},
): MessagingError {
  if (MessagingError.is(error)) return error
  const code = classify(driver, error)
  return new MessagingError(code, `${what}: ${textOf(error)}`, { ...details, cause: error, system: driver.system })
}

function classify(driver: Driver, error: unknown) {
  try {
    return driver.classify(error)
  } catch {
    return 'internal'
  }
}

/** Some words for any value whatever. Never throws. Conformance: ERR-05. */
export function textOf(error: unknown): string {
  try {
    if (error instanceof AggregateError && error.message === '') return error.errors.map(textOf).join('; ')
    if (error instanceof Error) return error.message === '' ? error.name : error.message
    return String(error)
  } catch {
    return 'an error that cannot be read'
  }
}

/** The value as an `Error`, for events. */
export function asError(error: unknown): Error {
  return types.isNativeError(error) ? error : new Error(textOf(error), { cause: error })
}
