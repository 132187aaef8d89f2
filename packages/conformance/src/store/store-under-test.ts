import { deepEqual, equal, fail, ok } from 'node:assert/strict'
import type { Claim, ClaimHolder, ClaimRequest, IdempotencyStore } from '@waybill/core'
import { sleep } from '../time.ts'

export interface StoreOptions {
  readonly retentionMs: number
}

/** A store, empty or with no key in common with other cases. */
export interface StoreUnderTest {
  readonly store: IdempotencyStore
  /** Lets this much time pass for the store. Without it the cases wait. */
  advance?(ms: number): Promise<void>
  close?(): Promise<void> | void
}

export type MakeIdempotencyStore = (options: StoreOptions) => Promise<StoreUnderTest>

/** Long enough that the way to a store does not matter, short enough to wait for. */
export const leaseMs = 1000
export const retentionMs = 3000

/** What the cases say to a store and what they expect of it. */
export class StoreProbe {
  readonly store: IdempotencyStore
  readonly #advance: (ms: number) => Promise<unknown>

  constructor({ store, advance = (ms) => sleep(ms) }: StoreUnderTest) {
    this.store = store
    this.#advance = advance
  }

  async pass(ms: number): Promise<void> {
    await this.#advance(ms)
  }

  claim(about: Partial<ClaimRequest> = {}): Promise<Claim> {
    return this.store.claim({ scope: 'orders/billing', key: 'k1', fingerprint: '', leaseMs, ...about })
  }

  /** Claims, expects to get it, answers as what. */
  async acquire(about: Partial<ClaimRequest> = {}): Promise<ClaimHolder> {
    const claim = await this.claim(about)
    if (claim.outcome !== 'acquired') return fail(`expected to acquire ${JSON.stringify(about)}, got ${claim.outcome}`)
    return { scope: about.scope ?? 'orders/billing', key: about.key ?? 'k1', fence: claim.fence }
  }

  async complete(about: Partial<ClaimRequest> = {}): Promise<ClaimHolder> {
    const holder = await this.acquire(about)
    equal(await this.store.complete(holder), true, 'the holder completes')
    return holder
  }

  async expect(outcome: Claim['outcome'], about: Partial<ClaimRequest> = {}): Promise<void> {
    equal((await this.claim(about)).outcome, outcome)
  }

  async expectBusy(mostMs: number, about: Partial<ClaimRequest> = {}): Promise<number> {
    const claim = await this.claim(about)
    if (claim.outcome !== 'busy') return fail(`expected busy, got ${claim.outcome}`)
    ok(claim.retryAfterMs > 0, `retryAfterMs ${claim.retryAfterMs} is over 0`)
    ok(claim.retryAfterMs <= mostMs, `retryAfterMs ${claim.retryAfterMs} is at most ${mostMs}`)
    return claim.retryAfterMs
  }

  /** None of what a holder can do is granted. */
  async expectPowerless(holder: ClaimHolder): Promise<void> {
    equal(await this.store.renew(holder, leaseMs * 10), false, 'renew')
    equal(await this.store.release(holder), false, 'release')
    equal(await this.store.complete(holder), false, 'complete')
  }

  async expectRefused(about: Partial<ClaimRequest>): Promise<void> {
    const outcome = await this.claim(about).catch(() => 'refused')
    deepEqual(outcome, 'refused', `a claim of ${JSON.stringify(about)}`)
  }
}
