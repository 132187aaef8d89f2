/** One message's place in a store: the group it is handled for, and what makes it the same message. */
export interface ClaimRequest {
  /** The channel and group. The same message may be handled once in each. */
  readonly scope: string
  readonly key: string
  /** A digest of the content; another one under the same key is a conflict. Empty: not compared. */
  readonly fingerprint: string
  /** How long the claim holds unless renewed, completed or released. */
  readonly leaseMs: number
}

export type Claim =
  /** Run the handler. `fence` grows with each claim of the key and names this holder. */
  | { readonly outcome: 'acquired'; readonly fence: number }
  /** Handled already. */
  | { readonly outcome: 'completed' }
  /** Another holder is at it. `retryAfterMs`: when its lease ends. */
  | { readonly outcome: 'busy'; readonly retryAfterMs: number }
  /** The key was used for another content. */
  | { readonly outcome: 'conflict' }

/** A claim as its holder names it. */
export interface ClaimHolder {
  readonly scope: string
  readonly key: string
  readonly fence: number
}

/**
 * Remembers which messages were handled. Each method is atomic over all processes that share the store.
 *
 * `renew`, `complete` and `release` answer false, and change nothing, unless `holder.fence` is the key's present holder:
 * who lost a claim to another cannot finish it. A rejection means that the store could not answer; the message is
 * retried then, never accepted.
 *
 * The suite `idempotencyStoreCases` of `@waybill/conformance/store` holds every implementation to this. Conformance: IDM-01 to IDM-11.
 */
export interface IdempotencyStore {
  /** How long a completed key is remembered, in milliseconds. Must cover the broker's redelivery horizon. */
  readonly retentionMs: number
  claim(request: ClaimRequest): Promise<Claim>
  renew(holder: ClaimHolder, leaseMs: number): Promise<boolean>
  /** Marks the key as handled for `retentionMs`. */
  complete(holder: ClaimHolder): Promise<boolean>
  /** Gives the key back unhandled, for the next attempt. */
  release(holder: ClaimHolder): Promise<boolean>
}
