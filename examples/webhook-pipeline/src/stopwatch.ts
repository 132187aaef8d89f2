/** One part of the run. */
export interface Lap {
  readonly title: string
  readonly ms: number
  /** Messages handled in it, where that says something. */
  readonly messages?: number
}

/** Wall time, lap by lap. */
export class Stopwatch {
  readonly laps: Lap[] = []
  #since = performance.now()

  lap(title: string, messages?: number): Lap {
    const now = performance.now()
    const lap = { title, ms: now - this.#since, ...(messages === undefined ? {} : { messages }) }
    this.laps.push(lap)
    this.#since = now
    return lap
  }
}
