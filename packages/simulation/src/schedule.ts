import type { ProfileName } from './profile-name.ts'

/** One message and what its handler makes of it, in every group. */
export interface MessagePlan {
  readonly number: number
  readonly key: string
  /** Runs that fail before the first that does not; `Infinity`: all. */
  readonly failures: number
  /** How the failing ones fail. */
  readonly failsBy: 'throwing' | 'sending' | 'retryLater' | 'deadLetter'
  readonly handlerMs: number
  /** The first run does not end until it is told to stop, or a minute has passed. */
  readonly hangs: boolean
  readonly sendTimeoutMs: number
}

export interface MemberPlan {
  readonly name: string
  readonly consumes: boolean
  readonly concurrency: number
}

/** One thing that happens, at one time. Those of a schedule can be left out one by one: that is how it shrinks. */
export type Step = { readonly atMs: number } & (
  | { readonly kind: 'send'; readonly member: number; readonly message: MessagePlan }
  | { readonly kind: 'crash'; readonly member: number; readonly noticedAfterMs: number; readonly downMs: number }
  | { readonly kind: 'close'; readonly member: number; readonly drainMs: number; readonly downMs: number }
  | {
      readonly kind: 'cut'
      readonly member: number
      readonly role: 'send' | 'receive' | 'both'
      readonly clientNoticesMs: number
      readonly brokerNoticesMs: number
    }
  | { readonly kind: 'stall'; readonly member: number; readonly forMs: number }
  | { readonly kind: 'flaky'; readonly member: number; readonly forMs: number }
  | { readonly kind: 'outage'; readonly forMs: number }
  | { readonly kind: 'block'; readonly forMs: number }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'expire'; readonly member: number }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'storeDown'; readonly forMs: number }
  | { readonly kind: 'storeSlow'; readonly forMs: number }
  | { readonly kind: 'clockStep'; readonly member: number; readonly byMs: number }
  | { readonly kind: 'pause'; readonly member: number; readonly forMs: number }
  | { readonly kind: 'concurrency'; readonly member: number; readonly to: number }
)

/** All that a seed decides before anything runs. */
export interface Schedule {
  readonly seed: number
  readonly profile: ProfileName
  readonly isKeyed: boolean
  readonly isIdempotent: boolean
  readonly groups: readonly string[]
  readonly members: readonly MemberPlan[]
  readonly retry: { readonly maxAttempts: number; readonly delaysMs: readonly number[] }
  /** Longest run of a handler. */
  readonly timeoutMs: number | undefined
  /** Longest way through the network, one way. */
  readonly latencyMs: number
  readonly steps: readonly Step[]
}

export function isFault({ kind }: Step): boolean {
  return kind !== 'send'
}

/** When a step has had its effect. */
export function endOf(step: Step): number {
  const lasts = 'forMs' in step ? step.forMs : 'downMs' in step ? step.downMs : 0
  const isNoticed = step.kind === 'cut' ? Math.max(step.clientNoticesMs, step.brokerNoticesMs) : 0
  const drains = step.kind === 'close' ? step.drainMs : 0
  return step.atMs + lasts + isNoticed + drains
}
