import type { Random } from '@waybill/core/driver'

/** Chance that repeats: the same seed gives the same numbers. Not for secrets. */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** `stream` tells apart the sources of one simulation, so that one does not disturb the others. */
  constructor(seed: number, stream = 0) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = stream | 0
    this.#d = 1
    for (let round = 0; round < 12; round++) this.#bits()
  }

  next(): number {
    return this.#bits() / 2 ** 32
  }

  fill(target: Uint8Array): void {
    for (let index = 0; index < target.length; index += 4) {
      const bits = this.#bits()
      target[index] = bits
      if (index + 1 < target.length) target[index + 1] = bits >>> 8
      if (index + 2 < target.length) target[index + 2] = bits >>> 16
      if (index + 3 < target.length) target[index + 3] = bits >>> 24
    }
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** True once in `times`, on average. */
  oneIn(times: number): boolean {
    return this.next() * times < 1
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)] as T
  }

  /** sfc32 by Chris Doty-Humphrey, of PractRand. */
  #bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + sum) | 0
    return sum >>> 0
  }
}
