import { randomInt } from 'node:crypto'

/** Resolves once every promise that can go on has gone on: the one turn of the real event loop that a step takes. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Real milliseconds, to tell how fast simulations are; nothing inside one reads it. */
export function realMs(): number {
  return performance.now()
}

/** A base seed that nobody has tried: from it on, everything repeats. */
export function freshSeed(): number {
  return randomInt(2 ** 40)
}
