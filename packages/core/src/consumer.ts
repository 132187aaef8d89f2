import type { ChannelTypes } from './channel-types.ts'
import type { IdempotencyStore } from './idempotency-store.ts'
import type { Middleware } from './middleware.ts'
import type { RetryPolicy } from './retry-policy.ts'

/**
 * `now`: with what is sent from now on, and what waits for the group already. The others reach back from there, and are
 * refused where the broker cannot: to the oldest message it has; to the first it stored at `time` or later; to the
 * messages at `positions`, one of each partition, as failure records name them.
 */
export type StartFrom = 'now' | 'beginning' | { time: Date } | { positions: readonly string[] }

/** What one process does with its share. */
export interface ConsumeOptions<T extends ChannelTypes> {
  /** Every group gets each message once; members of a group compete. */
  group: T['group']
  /** Handlers running at a time. Default 16. */
  concurrency?: number
  /**
   * No further message comes while the bodies of those that are out to this consumer have so many bytes; one larger
   * than that comes alone. Default 64 MiB, where the broker can bound bytes; asking for it elsewhere is refused.
   */
  maxInFlightBytes?: number
  /** Default: 5 attempts, exponential from 200 ms to 30 s. */
  retry?: RetryPolicy
  /** What is worth retrying; false: dead-letter now. Default: everything. */
  retryIf?: (error: unknown) => boolean
  /** Longest run of the handler; then its signal aborts, and the run counts as failed once it ends. */
  timeoutMs?: number
  /** Handle each message once. Default key: the message's source and id. */
  idempotency?: { store: IdempotencyStore; key?: (message: T['message']) => string }
  /** Where a group starts that nobody ever consumed from. One that somebody did goes on where it was, whatever this says. */
  startFrom?: StartFrom
  middleware?: readonly Middleware[]
  /** Closes the consumer when it aborts. */
  signal?: AbortSignal
}

/** A batch is handed over when it has `maxSize` messages, or `maxWaitMs` after its first. */
export type BatchOptions<T extends ChannelTypes> = Omit<ConsumeOptions<T>, 'idempotency'> & {
  maxSize: number
  maxWaitMs: number
}

export interface BatchContext<M> {
  readonly signal: AbortSignal
  attempt(message: M): number
  /** This entry failed: it alone is retried. */
  fail(message: M, error: unknown): void
  /** This entry is dead-lettered, without retry. */
  deadLetter(message: M, reason: string): void
}

export interface BroadcastOptions {
  /**
   * Messages may have been missed (connection lost, retries exhausted): throw the copy away. Called when they begin to
   * be missed, and once more when listening again, before anything new is handled: a copy made meanwhile is stale too.
   */
  onGap: () => void
  /** Where it starts, and where it starts again after a gap. */
  startFrom?: StartFrom
  concurrency?: number
  /** As for a consumer of a group. */
  maxInFlightBytes?: number
  middleware?: readonly Middleware[]
  signal?: AbortSignal
}

export interface Consumer extends AsyncDisposable {
  /** Stops the intake; what runs, runs on. What never started goes back to the group. Idempotent. */
  pause(): void
  resume(): void
  setConcurrency(concurrency: number): void
  /** Resolves once everything that was there when it was called has been handled. */
  caughtUp(): Promise<void>
  /** Lets handlers finish, gives back the rest, for at most `drainMs` (default 30 s); then signals abort. Never dead-letters. */
  close(options?: { drainMs?: number }): Promise<void>
}
