import { systemClock, type Clock } from './driver/clock.ts'
import { systemRandom, type Random } from './driver/random.ts'

/** Time and chance, handed to everything: what makes tests exact and simulations repeatable. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
}

export const systemRuntime: Runtime = { clock: systemClock, random: systemRandom }
