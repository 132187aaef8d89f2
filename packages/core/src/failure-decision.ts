import { MessagingError } from './messaging-error.ts'
import { outcomeOf } from './outcome.ts'
import { delayAfter, type RetryPolicy } from './retry-policy.ts'

/** A failed run, as the policy sees it. */
export interface FailedRun {
  readonly error: unknown
  readonly attempt: number
  readonly policy: RetryPolicy
  readonly retryIf: ((error: unknown) => boolean) | undefined
  /** Longest delay the broker can give. */
  readonly maxDelayMs: number
}

export type FailureDecision =
  | {
      readonly kind: 'retry'
      readonly delayMs: number
      /** Something to tell: a delay that could not be had, a `retryIf` that threw. */
      readonly fault?: MessagingError
    }
  | { readonly kind: 'deadLetter'; readonly fault?: MessagingError }

/** What becomes of a message whose run failed. Pure. Conformance: RTY-01 to RTY-04. */
export function decideFailure(run: FailedRun): FailureDecision {
  const { error, attempt, policy } = run
  const outcome = outcomeOf(error)
  if (outcome?.kind === 'deadLetter' || isUndecodable(error)) return { kind: 'deadLetter' }
  if (attempt >= policy.maxAttempts) return { kind: 'deadLetter' }
  const delayMs = delayAfter(policy, attempt)
  if (outcome?.kind === 'retryLater') return askedFor(outcome.delayMs, delayMs, run.maxDelayMs)
  return worthRetrying(run, delayMs)
}

function worthRetrying({ retryIf, error }: FailedRun, delayMs: number): FailureDecision {
  if (retryIf === undefined) return { kind: 'retry', delayMs }
  try {
    return retryIf(error) ? { kind: 'retry', delayMs } : { kind: 'deadLetter' }
  } catch (cause) {
    const fault = new MessagingError('internal', 'retryIf threw; the message is retried', { cause })
    return { kind: 'retry', delayMs, fault }
  }
}

function askedFor(askedMs: number, policyMs: number, maxDelayMs: number): FailureDecision {
  if (askedMs <= maxDelayMs) return { kind: 'retry', delayMs: askedMs }
  const fault = new MessagingError(
    'unsupported',
    `retryLater(${askedMs}): the broker can delay ${maxDelayMs} ms at most; the policy's ${policyMs} ms are used`,
  )
  return { kind: 'retry', delayMs: policyMs, fault }
}

function isUndecodable(error: unknown): boolean {
  return MessagingError.is(error) && error.code === 'decodeFailed'
}
