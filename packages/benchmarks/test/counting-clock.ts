import { type Clock, systemClock, type Timer } from '@waybill/core/driver'

/** The system's clock, which counts how often it is asked. */
export class CountingClock implements Clock {
  reads = 0
  timers = 0

  now(): number {
    this.reads++
    return systemClock.now()
  }

  monotonic(): number {
    this.reads++
    return systemClock.monotonic()
  }

  after(delayMs: number, callback: () => void): Timer {
    this.timers++
    return systemClock.after(delayMs, callback)
  }

  reset(): void {
    this.reads = 0
    this.timers = 0
  }
}
