import { hash } from 'node:crypto'
import type { WireMessage } from './driver/wire-message.ts'
import type { Claim, ClaimHolder, IdempotencyStore } from './idempotency-store.ts'
import type { Message } from './message.ts'
import { MessagingError } from './messaging-error.ts'
import type { TimerQueue } from './timer-queue.ts'
import { textOf } from './wrap-error.ts'

export interface IdempotentReceiverOptions {
  readonly store: IdempotencyStore
  /** Default: the message's source and id, whose content is compared too. */
  readonly key: ((message: Message<any>) => string) | undefined
  /** Channel and group: each handles the message once. */
  readonly scope: string
  readonly timers: TimerQueue
  readonly onFault: (error: MessagingError) => void
}

/** How a guarded run ended, if it did not throw. */
export type GuardedRun =
  /** Handled, now or before. */
  | { readonly kind: 'done' }
  /** Not handled by this run, and not failed either: come back. */
  | { readonly kind: 'later'; readonly delayMs: number | undefined }

/** How long a claim lasts without renewal: what a crash costs the next holder. Renewed while the handler runs. */
export const claimLeaseMs = 30_000
const longestWaitMs = 1_000
const done: GuardedRun = { kind: 'done' }

/**
 * Lets each message be handled once: claim, handle, complete; and only then may the message be accepted.
 *
 * Conformance: IDM-01 to IDM-11.
 */
export class IdempotentReceiver {
  readonly #options: IdempotentReceiverOptions

  constructor(options: IdempotentReceiverOptions) {
    this.#options = options
  }

  /**
   * Rejects with what `work` threw, or with `failedPrecondition` when the key was used for other content.
   * `work` runs at most once.
   */
  async run(message: Message, wire: WireMessage, work: () => Promise<unknown>): Promise<GuardedRun> {
    const { store, scope } = this.#options
    const { key, fingerprint } = this.#identify(message, wire)
    let claim: Claim
    try {
      claim = await store.claim({ scope, key, fingerprint, leaseMs: claimLeaseMs })
    } catch (error) {
      this.#fault('the idempotency store did not answer; the message is retried', error)
      return { kind: 'later', delayMs: undefined }
    }
    switch (claim.outcome) {
      case 'completed':
        return done
      case 'busy':
        return { kind: 'later', delayMs: Math.ceil(Math.min(Math.max(claim.retryAfterMs, 1), longestWaitMs)) }
      case 'conflict':
        throw new MessagingError(
          'failedPrecondition',
          `message "${message.id}" from "${message.source}" came before with another body; two messages share an id`,
        )
      case 'acquired':
        return this.#guard({ scope, key, fence: claim.fence }, work)
    }
  }

  async #guard(holder: ClaimHolder, work: () => Promise<unknown>): Promise<GuardedRun> {
    const stopRenewing = this.#renew(holder)
    try {
      await work()
    } catch (error) {
      stopRenewing()
      await this.#release(holder)
      throw error
    }
    stopRenewing()
    return this.#complete(holder)
  }

  async #complete(holder: ClaimHolder): Promise<GuardedRun> {
    try {
      if (await this.#options.store.complete(holder)) return done
      this.#fault('a claim was taken over while its handler ran; the message is given another look', undefined)
    } catch (error) {
      this.#fault('the idempotency store did not answer after the handler; the message is given another look', error)
    }
    return { kind: 'later', delayMs: undefined }
  }

  async #release(holder: ClaimHolder): Promise<void> {
    try {
      await this.#options.store.release(holder)
    } catch (error) {
      this.#fault(
        `the idempotency store did not answer; a retry waits until the claim ends in ${claimLeaseMs} ms`,
        error,
      )
    }
  }

  #renew(holder: ClaimHolder): () => void {
    const { store, timers } = this.#options
    const renew = () => {
      timer = timers.after(claimLeaseMs / 3, renew)
      store
        .renew(holder, claimLeaseMs)
        .catch((error: unknown) => this.#fault('the idempotency store did not renew a claim', error))
    }
    let timer = timers.after(claimLeaseMs / 3, renew)
    return () => timer.cancel()
  }

  #identify(message: Message, wire: WireMessage): { key: string; fingerprint: string } {
    const { key } = this.#options
    if (key !== undefined) return { key: checkedKey(key(message)), fingerprint: '' }
    if (wire.id === undefined) {
      throw new MessagingError(
        'decodeFailed',
        'a foreign message without an id cannot be recognised as a duplicate; give idempotency.key',
      )
    }
    const fingerprint = wire.body === undefined ? 'none' : hash('sha256', wire.body, 'base64url')
    return { key: `${message.source}\n${message.id}`, fingerprint }
  }

  #fault(what: string, cause: unknown): void {
    const why = cause === undefined ? '' : `: ${textOf(cause)}`
    this.#options.onFault(new MessagingError('unavailable', what + why, cause === undefined ? {} : { cause }))
  }
}

function checkedKey(key: unknown): string {
  if (typeof key === 'string' && key !== '') return key
  throw new MessagingError('invalidArgument', `idempotency.key must give a string that is not empty, not ${typeof key}`)
}
