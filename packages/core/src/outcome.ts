import { MessagingError } from './messaging-error.ts'

const brand = Symbol.for('waybill.outcome')

/** What `deadLetter()` and `retryLater()` throw. Recognised by brand, through any depth of rethrowing. */
export interface Outcome {
  readonly kind: 'deadLetter' | 'retryLater'
  readonly delayMs: number
}

class OutcomeSignal extends Error implements Outcome {
  readonly kind: Outcome['kind']
  readonly delayMs: number

  constructor(kind: Outcome['kind'], delayMs: number, message: string, cause: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = kind === 'deadLetter' ? 'DeadLetter' : 'RetryLater'
    this.kind = kind
    this.delayMs = delayMs
    Object.defineProperty(this, brand, { value: true })
  }
}

/**
 * Ends the handler: dead-letter now, no retry. Throws, so it works at any depth and cannot be forgotten.
 *
 * `reason` becomes the message of the failure record. Conformance: RTY-04.
 */
export function deadLetter(reason: string, options?: { cause?: unknown }): never {
  throw new OutcomeSignal('deadLetter', 0, reason, options?.cause)
}

/**
 * Ends the handler: this attempt failed, run again after `delayMs` instead of the policy's delay. Counts as an attempt.
 *
 * Past what the broker can delay, the policy's delay is used and a `fault` event says so. Conformance: RTY-04.
 *
 * @throws MessagingError `invalidArgument` unless `delayMs` is a whole number of at least 0; the run has failed then too.
 */
export function retryLater(delayMs: number, options?: { cause?: unknown }): never {
  if (!Number.isInteger(delayMs) || delayMs < 0) {
    throw new MessagingError(
      'invalidArgument',
      `retryLater: delayMs must be a whole number of at least 0, not ${delayMs}`,
    )
  }
  throw new OutcomeSignal('retryLater', delayMs, `retry asked for in ${delayMs} ms`, options?.cause)
}

/** The outcome thrown, also when a rethrow wrapped it as a `cause`. Never throws, whatever was thrown. Conformance: ERR-05. */
export function outcomeOf(error: unknown): (Outcome & Error) | undefined {
  try {
    return findOutcome(error)
  } catch {
    return undefined
  }
}

function findOutcome(error: unknown): (Outcome & Error) | undefined {
  let inner = error
  for (let depth = 0; depth < 8 && typeof inner === 'object' && inner !== null; depth++) {
    if (brand in inner) return inner as unknown as Outcome & Error
    inner = (inner as { cause?: unknown }).cause
  }
  return undefined
}
