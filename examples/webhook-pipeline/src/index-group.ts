import { setImmediate } from 'node:timers/promises'
import { type IdempotencyStore, memoryIdempotencyStore } from '@waybill/core'
import type { Arrival, Group } from './group.ts'
import { GroupTally } from './group-tally.ts'
import type { Webhook } from './webhook-channel.ts'

/** No number of attempts helps: the index does not know such documents. */
export class MappingError extends Error {
  override readonly name = 'MappingError'
}

/** What the first version of the mapping has not heard of. */
const unknownToFirstMapping = ['discussion', 'discussion_comment']

/** Feeds a search index: each webhook once, however often it is delivered; what it has no mapping for is dead-lettered. */
export class IndexGroup implements Group {
  readonly name = 'index'
  readonly tally = new GroupTally()
  readonly options = {
    concurrency: 16,
    retryIf: (error: unknown) => !(error instanceof MappingError),
    idempotency: { store: this.#countingStore() },
  }
  #mappingVersion = 1

  handle(arrival: Arrival): Promise<void> {
    return this.tally.run(arrival, arrival.id, () => this.#add(arrival.webhook))
  }

  /** The fix. */
  deployMapping(version: number): void {
    this.#mappingVersion = version
  }

  async #add({ event }: Webhook): Promise<void> {
    await setImmediate()
    if (isMapped(event, this.#mappingVersion)) return
    this.tally.rejected++
    throw new MappingError(`mapping version ${this.#mappingVersion} has no document for event "${event}"`)
  }

  /** A store that counts the duplicates it recognises. */
  #countingStore(): IdempotencyStore {
    const store = memoryIdempotencyStore({ retentionMs: Infinity })
    return {
      retentionMs: store.retentionMs,
      claim: async (request) => {
        const claim = await store.claim(request)
        if (claim.outcome === 'completed') this.tally.suppressed++
        return claim
      },
      renew: (holder, leaseMs) => store.renew(holder, leaseMs),
      complete: (holder) => store.complete(holder),
      release: (holder) => store.release(holder),
    }
  }
}

export function isMapped(event: string, mappingVersion: number): boolean {
  return mappingVersion > 1 || !unknownToFirstMapping.includes(event)
}
