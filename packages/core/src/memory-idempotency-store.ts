import { systemClock, type Clock } from './driver/clock.ts'
import type { Claim, ClaimHolder, ClaimRequest, IdempotencyStore } from './idempotency-store.ts'
import { MessagingError } from './messaging-error.ts'

export interface MemoryIdempotencyStoreOptions {
  /** How long a completed key is remembered, in milliseconds. Default: 24 hours. */
  readonly retentionMs?: number
  readonly clock?: Clock
  /** Most keys remembered at a time, held and completed together. Default: one million. */
  readonly maxEntries?: number
}

/**
 * An idempotency store in the memory of one process: for tests, for development, and where one process is all there is.
 *
 * Holds at most `maxEntries` keys. When none of them has had its time, further claims reject with `unavailable`: a key
 * forgotten early would be a message handled twice. What is past its retention goes little by little, without timers.
 *
 * @throws MessagingError `invalidArgument` on options that make no sense.
 *
 * Conformance: IDM-01 to IDM-11, IDS-01 to IDS-40.
 */
export function memoryIdempotencyStore(options: MemoryIdempotencyStoreOptions = {}): IdempotencyStore {
  const { retentionMs = 24 * 60 * 60 * 1000, clock = systemClock, maxEntries = 1_000_000 } = options
  if (!(retentionMs > 0)) throw invalid(`retentionMs must be a number of milliseconds over 0, not ${retentionMs}`)
  if (!(maxEntries >= 1)) throw invalid(`maxEntries must be a number of at least 1, not ${maxEntries}`)
  return new MemoryIdempotencyStore(retentionMs, clock, maxEntries)
}

interface Entry {
  readonly key: string
  readonly siblings: Map<string, Entry>
  readonly fence: number
  readonly fingerprint: string
  isCompleted: boolean
  /** The end of the lease, or of the retention. */
  endsAt: number
  /** Completed entries stand in a line, in the order of their ends. */
  next: Entry | undefined
}

const sweptPerClaim = 2
const claimSweepEveryMs = 1000

class MemoryIdempotencyStore implements IdempotencyStore {
  readonly retentionMs: number
  readonly #clock: Clock
  readonly #maxEntries: number
  readonly #scopes = new Map<string, Map<string, Entry>>()
  #size = 0
  /** Over all keys, so that it grows for each, also after a key was forgotten. */
  #lastFence = 0
  #firstCompleted: Entry | undefined
  #lastCompleted: Entry | undefined
  #nextClaimSweepAt = 0

  constructor(retentionMs: number, clock: Clock, maxEntries: number) {
    this.retentionMs = retentionMs
    this.#clock = clock
    this.#maxEntries = maxEntries
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    checkRequest(request)
    const { scope, key, fingerprint } = request
    const now = this.#clock.monotonic()
    this.#forgetCompleted(now, sweptPerClaim)
    const entry = this.#scopes.get(scope)?.get(key)
    if (entry === undefined || entry.endsAt <= now) return this.#acquire(request, entry, now)
    if (differs(fingerprint, entry.fingerprint)) return { outcome: 'conflict' }
    if (entry.isCompleted) return { outcome: 'completed' }
    return { outcome: 'busy', retryAfterMs: Math.ceil(entry.endsAt - now) }
  }

  async renew(holder: ClaimHolder, leaseMs: number): Promise<boolean> {
    checkLease(leaseMs)
    const entry = this.#heldBy(holder)
    if (entry === undefined) return false
    entry.endsAt = this.#clock.monotonic() + leaseMs
    return true
  }

  async complete(holder: ClaimHolder): Promise<boolean> {
    const entry = this.#heldBy(holder)
    if (entry === undefined) return false
    entry.isCompleted = true
    entry.endsAt = this.#clock.monotonic() + this.retentionMs
    if (this.#lastCompleted === undefined) this.#firstCompleted = entry
    else this.#lastCompleted.next = entry
    this.#lastCompleted = entry
    return true
  }

  async release(holder: ClaimHolder): Promise<boolean> {
    const entry = this.#heldBy(holder)
    if (entry === undefined) return false
    this.#forget(entry)
    return true
  }

  #acquire(request: ClaimRequest, former: Entry | undefined, now: number): Claim {
    if (former !== undefined) this.#forget(former)
    if (this.#size >= this.#maxEntries) this.#makeRoom(now)
    const { scope, key, fingerprint, leaseMs } = request
    const siblings = this.#scopes.get(scope) ?? this.#newScope(scope)
    const fence = ++this.#lastFence
    const endsAt = now + leaseMs
    siblings.set(key, { key, siblings, fence, fingerprint, isCompleted: false, endsAt, next: undefined })
    this.#size++
    return { outcome: 'acquired', fence }
  }

  #newScope(scope: string): Map<string, Entry> {
    const siblings = new Map<string, Entry>()
    this.#scopes.set(scope, siblings)
    return siblings
  }

  /** A lease that ended leaves its holder in place until somebody takes over. */
  #heldBy({ scope, key, fence }: ClaimHolder): Entry | undefined {
    const entry = this.#scopes.get(scope)?.get(key)
    return entry !== undefined && !entry.isCompleted && entry.fence === fence ? entry : undefined
  }

  #forget(entry: Entry): void {
    if (entry.siblings.get(entry.key) !== entry) return
    entry.siblings.delete(entry.key)
    this.#size--
  }

  #forgetCompleted(now: number, most: number): void {
    for (let count = 0; count < most; count++) {
      const first = this.#firstCompleted
      if (first === undefined || first.endsAt > now) return
      this.#firstCompleted = first.next
      if (first.next === undefined) this.#lastCompleted = undefined
      this.#forget(first)
    }
  }

  #makeRoom(now: number): void {
    this.#forgetCompleted(now, Infinity)
    if (this.#size >= this.#maxEntries) this.#forgetClaims(now)
    if (this.#size < this.#maxEntries) return
    throw new MessagingError(
      'unavailable',
      `the memory idempotency store is full (${this.#maxEntries} keys): ` +
        'raise maxEntries, lower retentionMs, or use a store in a database',
    )
  }

  /** Those whose holder never came back. Walks over everything, so not often. */
  #forgetClaims(now: number): void {
    if (now < this.#nextClaimSweepAt) return
    this.#nextClaimSweepAt = now + claimSweepEveryMs
    for (const siblings of this.#scopes.values()) {
      for (const entry of siblings.values()) if (!entry.isCompleted && entry.endsAt <= now) this.#forget(entry)
    }
  }
}

/** An empty fingerprint is not compared. */
function differs(a: string, b: string): boolean {
  return a !== '' && b !== '' && a !== b
}

function checkRequest({ scope, key, leaseMs }: ClaimRequest): void {
  if (typeof scope !== 'string' || scope === '') throw invalid('the scope of a claim must not be empty')
  if (typeof key !== 'string' || key === '') throw invalid('the key of a claim must not be empty')
  checkLease(leaseMs)
}

function checkLease(leaseMs: number): void {
  if (!(leaseMs > 0)) throw invalid(`leaseMs must be a number of milliseconds over 0, not ${leaseMs}`)
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalidArgument', `idempotency store: ${what}`)
}
