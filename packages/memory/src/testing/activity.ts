import { MessageChannel } from 'node:worker_threads'
import { systemClock, type ManualClock } from '@waybill/core/driver'
import type { Middleware } from '@waybill/core'
import type { MemoryBroker } from '../memory-broker.ts'

const stepPatienceMs = 20
const patienceMs = 300
/** Rounds of the event loop in which nothing may happen: without and with messages that the core holds. */
const quietRounds = 2
const quietRoundsWhileHeld = 20

/** Knows whether anything is going on: sends, deliveries, handlers. */
export class Activity {
  readonly middleware: Middleware
  readonly #broker: MemoryBroker
  readonly #clock: ManualClock
  /** Handlers that run, and calls that were not answered yet. */
  #running = 0
  #changes = 0
  #onChange: (() => void)[] = []

  constructor(broker: MemoryBroker, clock: ManualClock) {
    this.#broker = broker
    this.#clock = clock
    this.middleware = {
      handle: (_, next) => this.track(next()),
      send: (_, next) => this.track(next()),
    }
  }

  /** Counts as going on until the promise settles. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#running++
    const end = () => {
      this.#running--
      this.#changed()
    }
    work.then(end, end)
    this.#changed()
    return work
  }

  /** Resolves when no handler runs, no send is open, and nothing is delivered or could be. */
  idle(): Promise<void> {
    return this.#rest(Infinity)
  }

  /** Moves the clock from timer to timer, and lets what each sets off come to rest before the next. */
  async advance(ms: number): Promise<void> {
    await this.#clock.advanceAsync(ms, () => this.#rest(stepPatienceMs))
    await this.#rest(this.#clock.pendingTimers > 0 ? patienceMs : Infinity)
  }

  /** `patienceMs`: how long to wait, in real time, for handlers that seem to wait for the clock. */
  async #rest(patienceMs: number): Promise<void> {
    let quiet = 0
    let seen = this.#total
    let since = systemClock.monotonic()
    for (;;) {
      await round()
      if (this.#total !== seen) {
        seen = this.#total
        since = systemClock.monotonic()
        quiet = 0
      } else if (this.#running === 0) {
        if (++quiet >= (this.#broker.isQuiet ? quietRounds : quietRoundsWhileHeld)) return
      } else if (patienceMs === Infinity) {
        await new Promise<void>((resolve) => this.#onChange.push(resolve))
      } else if (systemClock.monotonic() - since > patienceMs) {
        return
      }
    }
  }

  get #total(): number {
    return this.#broker.changes + this.#changes
  }

  #changed(): void {
    this.#changes++
    for (const resolve of this.#onChange.splice(0)) resolve()
  }
}

/** Lets all microtasks run, then one round of the event loop. Not by a timer, which tests like to replace. */
async function round(): Promise<void> {
  for (let left = 50; left > 0; left--) await Promise.resolve()
  const { port1, port2 } = new MessageChannel()
  await new Promise((resolve) => {
    port1.once('message', resolve)
    port2.postMessage(undefined)
  })
  port1.close()
}
