import {
  memoryIdempotencyStore,
  type Claim,
  type ClaimHolder,
  type ClaimRequest,
  type IdempotencyStore,
} from '@waybill/core'
import type { Oracle } from './oracle.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { World } from './world.ts'

const dayMs = 86_400_000
/** One way. */
const answerMs = 5
const slowAnswerMs = 1_000

/** The idempotency store that all processes share, somewhere on the network. */
export class SimulatedStore {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #oracle: Oracle
  readonly #store: IdempotencyStore
  #downUntilMs = 0
  #slowUntilMs = 0

  constructor(world: World, random: SeededRandom, oracle: Oracle) {
    this.#world = world
    this.#random = random
    this.#oracle = oracle
    const clock = { now: () => world.nowMs, monotonic: () => world.nowMs, after: world.after.bind(world) }
    this.#store = memoryIdempotencyStore({ retentionMs: 7 * dayMs, clock })
  }

  goDown(forMs: number): void {
    this.#downUntilMs = this.#world.nowMs + forMs
    this.#oracle.storeFailed()
  }

  slowDown(forMs: number): void {
    this.#slowUntilMs = this.#world.nowMs + forMs
  }

  /** The store as one process sees it. */
  seenBy(process: SimulatedProcess): IdempotencyStore {
    const ask = <T>(serve: () => Promise<T>) => this.#ask(process, serve)
    return {
      retentionMs: this.#store.retentionMs,
      claim: (request: ClaimRequest): Promise<Claim> => ask(() => this.#store.claim(request)),
      renew: (holder: ClaimHolder, leaseMs: number) => ask(() => this.#store.renew(holder, leaseMs)),
      complete: (holder: ClaimHolder) => ask(() => this.#complete(holder)),
      release: (holder: ClaimHolder) => ask(() => this.#store.release(holder)),
    }
  }

  async #complete(holder: ClaimHolder): Promise<boolean> {
    const isCompleted = await this.#store.complete(holder)
    if (isCompleted) this.#oracle.completed(holder)
    return isCompleted
  }

  /** A request that fails may have been served: only the answer is certain to be missing. */
  #ask<T>(process: SimulatedProcess, serve: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const mostMs = this.#slowUntilMs > this.#world.nowMs ? slowAnswerMs : answerMs
      this.#world.after(this.#random.between(0, mostMs), () => {
        const isDown = this.#downUntilMs > this.#world.nowMs
        const answer = isDown && this.#random.oneIn(2) ? undefined : serve()
        if (isDown) this.#oracle.storeFailed()
        process.after(this.#random.between(0, mostMs), () => {
          if (isDown || answer === undefined) reject(new Error('the store did not answer'))
          else resolve(answer)
        })
      })
    })
  }
}
