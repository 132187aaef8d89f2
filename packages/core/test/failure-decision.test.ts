import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideFailure, type FailedRun } from '../src/failure-decision.ts'
import { MessagingError } from '../src/messaging-error.ts'
import { deadLetter, retryLater } from '../src/outcome.ts'

const policy = { maxAttempts: 3, delaysMs: [10, 20] }

function thrownBy(work: () => never): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

function decide(change: Partial<FailedRun>): ReturnType<typeof decideFailure> {
  return decideFailure({ error: new Error('x'), attempt: 1, policy, retryIf: undefined, maxDelayMs: 1_000, ...change })
}

describe('decideFailure', () => {
  it.each<[string, Partial<FailedRun>, object]>([
    ['first failure', {}, { kind: 'retry', delayMs: 10 }],
    ['second failure', { attempt: 2 }, { kind: 'retry', delayMs: 20 }],
    ['last attempt', { attempt: 3 }, { kind: 'deadLetter' }],
    ['past the last attempt', { attempt: 9 }, { kind: 'deadLetter' }],
    ['not worth retrying', { retryIf: () => false }, { kind: 'deadLetter' }],
    ['worth retrying', { retryIf: () => true }, { kind: 'retry', delayMs: 10 }],
    ['thrown null', { error: null }, { kind: 'retry', delayMs: 10 }],
    ['undecodable', { error: new MessagingError('decodeFailed', 'no') }, { kind: 'deadLetter' }],
    ['another error of ours', { error: new MessagingError('timeout', 'no') }, { kind: 'retry', delayMs: 10 }],
    ['retryLater() at the limit', { error: thrownBy(() => retryLater(1_000)) }, { kind: 'retry', delayMs: 1_000 }],
    ['deadLetter()', { error: thrownBy(() => deadLetter('no')) }, { kind: 'deadLetter' }],
    [
      'deadLetter() as a cause',
      { error: new Error('wrapped', { cause: thrownBy(() => deadLetter('no')) }) },
      { kind: 'deadLetter' },
    ],
    ['retryLater()', { error: thrownBy(() => retryLater(500)) }, { kind: 'retry', delayMs: 500 }],
    [
      'retryLater() on the last attempt',
      { attempt: 3, error: thrownBy(() => retryLater(500)) },
      { kind: 'deadLetter' },
    ],
    [
      'retryLater() wins over retryIf',
      { retryIf: () => false, error: thrownBy(() => retryLater(1)) },
      { kind: 'retry', delayMs: 1 },
    ],
    [
      'no end of attempts',
      { attempt: 1e6, policy: { ...policy, maxAttempts: Infinity } },
      { kind: 'retry', delayMs: 20 },
    ],
  ])('%s', (_name, change, expected) => {
    expect(decide(change)).toEqual(expected)
  })

  it('falls back to the policy past what the broker can delay, and says so', () => {
    const decision = decide({ error: thrownBy(() => retryLater(1_001)) })
    const message = "retryLater(1001): the broker can delay 1000 ms at most; the policy's 10 ms are used"
    expect(decision).toMatchObject({ kind: 'retry', delayMs: 10, fault: { code: 'unsupported', message } })
  })

  it('retries when retryIf throws, and says so', () => {
    const cause = new Error('planted')
    const retryIf = (): boolean => {
      throw cause
    }
    const fault = { code: 'internal', message: 'retryIf threw; the message is retried', cause }
    expect(decide({ retryIf })).toMatchObject({ kind: 'retry', delayMs: 10, fault })
  })

  it('dead-letters exactly from the last attempt on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 60 }), (maxAttempts, attempt) => {
        const { kind } = decide({ attempt, policy: { maxAttempts, delaysMs: [5] } })
        expect(kind).toBe(attempt >= maxAttempts ? 'deadLetter' : 'retry')
      }),
    )
  })
})
