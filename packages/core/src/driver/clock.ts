/** The only source of time in the library: everything that measures or waits is handed one of these. */
export interface Clock {
  /** Wall-clock milliseconds since the epoch. May step in both directions; used for timestamps only. */
  now(): number
  /** Milliseconds that never go backwards; used for durations and deadlines. */
  monotonic(): number
  /** Calls `callback` once, not before `delayMs` have passed, unless cancelled. */
  after(delayMs: number, callback: () => void): Timer
}

export interface Timer {
  /** Cancels the call. Safe to call twice, and after the callback ran. */
  cancel(): void
}

const longestTimeoutMs = 2_147_483_647

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | undefined

  constructor(delayMs: number, callback: () => void) {
    this.#arm(performance.now() + delayMs, callback)
  }

  /** Longer waits than the platform's 24.8 days go in steps; a platform timer that fires early waits again. */
  #arm(dueAt: number, callback: () => void): void {
    const leftMs = dueAt - performance.now()
    this.#handle = setTimeout(
      () => {
        if (performance.now() < dueAt) this.#arm(dueAt, callback)
        else callback()
      },
      Math.min(Math.ceil(Math.max(leftMs, 0)), longestTimeoutMs),
    )
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }
}

/** The time of this process. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => new SystemTimer(delayMs, callback),
}
