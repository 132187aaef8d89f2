import type { SeededRandom } from './seeded-random.ts'
import type { World } from './world.ts'

/** One direction between a process and the broker: takes its time, loses nothing while the connection lasts. */
export class NetworkPath {
  readonly #world: World
  readonly #random: SeededRandom
  readonly #isOrdered: boolean
  readonly #mostMs: number
  #lastArrivalMs = 0
  #stalledUntilMs = 0

  constructor(world: World, random: SeededRandom, mostMs: number, isOrdered: boolean) {
    this.#world = world
    this.#random = random
    this.#mostMs = mostMs
    this.#isOrdered = isOrdered
  }

  carry(arrive: () => void): void {
    const { nowMs } = this.#world
    let atMs = Math.max(nowMs + this.#random.between(0, this.#mostMs), this.#stalledUntilMs)
    if (this.#isOrdered) atMs = Math.max(atMs, this.#lastArrivalMs)
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, atMs)
    this.#world.after(atMs - nowMs, arrive)
  }

  /** Nothing that is sent from now on arrives before `forMs` have passed. */
  stall(forMs: number): void {
    this.#stalledUntilMs = this.#world.nowMs + forMs
  }
}
