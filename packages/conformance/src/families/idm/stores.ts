import { memoryIdempotencyStore, type IdempotencyStore } from '@waybill/core'
import type { Kit } from '../../kit.ts'

/** A store that every instance of the case shares, and that remembers as long as the broker may deliver again. */
export function newStore({ capabilities }: Kit): IdempotencyStore {
  return memoryIdempotencyStore({ retentionMs: Math.max(capabilities.redeliveryHorizonMs, 60_000) })
}

/** `store` with some of its methods replaced. */
export function wrapStore(store: IdempotencyStore, changes: Partial<IdempotencyStore>): IdempotencyStore {
  return {
    retentionMs: store.retentionMs,
    claim: (request) => store.claim(request),
    renew: (holder, leaseMs) => store.renew(holder, leaseMs),
    complete: (holder) => store.complete(holder),
    release: (holder) => store.release(holder),
    ...changes,
  }
}

/** No claim is kept for longer than `longestMs` after its last renewal. */
export function withShortLeases(store: IdempotencyStore, longestMs: number): IdempotencyStore {
  return wrapStore(store, {
    claim: (request) => store.claim({ ...request, leaseMs: Math.min(request.leaseMs, longestMs) }),
    renew: (holder, leaseMs) => store.renew(holder, Math.min(leaseMs, longestMs)),
  })
}

/** As a process sees `store` that stands still after it claimed: the claim ends `leaseMs` later. */
export function withoutRenewal(store: IdempotencyStore, leaseMs: number): IdempotencyStore {
  return wrapStore(store, {
    claim: (request) => store.claim({ ...request, leaseMs }),
    renew: async () => true,
  })
}

/** `store`, which says of the first `times` claims that somebody else is at work. */
export function busyFor(
  store: IdempotencyStore,
  times: number,
): { readonly store: IdempotencyStore; readonly looks: number } {
  let looks = 0
  return {
    store: wrapStore(store, {
      async claim(request) {
        return ++looks <= times ? { outcome: 'busy', retryAfterMs: 100 } : store.claim(request)
      },
    }),
    get looks() {
      return looks
    },
  }
}
