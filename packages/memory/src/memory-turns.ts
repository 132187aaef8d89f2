import type { Clock, Timer } from '@waybill/core/driver'

/** Something to visit in the next turn. */
interface Due {
  isDue: boolean
  readonly canDeliver: boolean
  /** Hands out at most `limit` messages; answers how many. */
  deliver(limit: number): number
}

const checkEvery = 256
const longestBusyMs = 10

/**
 * Decides when lanes deliver: in one microtask for all that happened in a turn, and never so long in a row that the
 * event loop cannot breathe.
 *
 * Every 256 messages a timer of zero is armed. While it does not come, nothing but microtasks has run; after 10 ms of
 * that, delivery waits for it.
 */
export class MemoryTurns {
  #lanes: Due[] = []
  #isScheduled = false
  #breath: Timer | undefined
  #breathArmedAt = 0
  #isHeld = false
  #sinceCheck = 0

  add(lane: Due, clock: Clock): void {
    this.#lanes.push(lane)
    this.#clock = clock
    this.#schedule()
  }

  /** Gives up its timer. What is due is delivered all the same. */
  stop(): void {
    this.#breath?.cancel()
    this.#breathe()
  }

  #clock!: Clock

  #schedule(): void {
    if (this.#isScheduled || this.#isHeld) return
    this.#isScheduled = true
    queueMicrotask(this.#run)
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    const lanes = this.#lanes
    this.#lanes = []
    for (const lane of lanes) this.#visit(lane)
  }

  #visit(lane: Due): void {
    while (lane.canDeliver && !this.#isHeld) {
      const delivered = lane.deliver(checkEvery - this.#sinceCheck)
      this.#sinceCheck += delivered
      if (this.#sinceCheck >= checkEvery) this.#check()
      else break
    }
    lane.isDue = false
    if (this.#isHeld && lane.canDeliver) {
      lane.isDue = true
      this.#lanes.push(lane)
    }
  }

  #check(): void {
    this.#sinceCheck = 0
    const now = this.#clock.monotonic()
    if (this.#breath === undefined) {
      this.#breathArmedAt = now
      this.#breath = this.#clock.after(0, this.#breathe)
    } else if (now - this.#breathArmedAt >= longestBusyMs) {
      this.#isHeld = true
    }
  }

  readonly #breathe = (): void => {
    this.#breath = undefined
    this.#isHeld = false
    if (this.#lanes.length > 0) this.#schedule()
  }
}
