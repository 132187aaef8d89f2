import type { Clock, Random, Runtime, Timer } from '@waybill/core/driver'
import type { World } from './world.ts'

const startOfTimeMs = Date.UTC(2025, 0, 1)

/** One run of one program, from its start to its exit or crash. Nothing in it goes on after that. */
export class SimulatedProcess {
  readonly name: string
  readonly runtime: Runtime
  readonly world: World
  isAlive = true
  /** When it was told to close. */
  closingAtMs = Infinity
  /** When it said that it had closed. */
  closedAtMs = Infinity
  pendingTimers = 0
  /** Handlers that may run at a time in one group. */
  mostRuns = Infinity
  #wallOffsetMs = 0

  constructor(name: string, world: World, random: Random) {
    this.name = name
    this.world = world
    const clock: Clock = {
      now: () => startOfTimeMs + world.nowMs + this.#wallOffsetMs,
      monotonic: () => world.nowMs,
      after: (delayMs, callback) => this.#timer(delayMs, callback),
    }
    this.runtime = { clock, random }
  }

  /** Something from outside reaches the process, if it still lives. */
  after(delayMs: number, callback: () => void): Timer {
    return this.world.after(delayMs, () => {
      if (this.isAlive) callback()
    })
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve))
  }

  stepClock(ms: number): void {
    this.#wallOffsetMs += ms
  }

  #timer(delayMs: number, callback: () => void): Timer {
    let isPending = true
    this.pendingTimers++
    const ended = (): boolean => {
      if (!isPending) return false
      isPending = false
      this.pendingTimers--
      return true
    }
    const timer = this.after(delayMs, () => {
      if (ended()) callback()
    })
    return {
      cancel: () => {
        ended()
        timer.cancel()
      },
    }
  }
}
