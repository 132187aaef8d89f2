import { equal, ok } from 'node:assert/strict'
import { systemRuntime, type Capabilities, type Runtime } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { granularityMs, refusesRetries, retries } from '../rty/letters.ts'
import { group, Load } from './load.ts'

const dayMs = 24 * 60 * 60 * 1_000
const delayMs = 300
const retryEvery = 5
const publishers = 16
const pauseMs = 30
/** Longer apart than the timeouts of runs, which are looked at meanwhile by whatever clock they go. */
const apartMs = 700
const runTimeoutMs = 500
const sendTimeoutMs = 2_000

/** An administrator, or NTP, sets the clock of the machine. */
export const clock: readonly Behaviour[] = [
  {
    id: 'FLT-16',
    tags: ['long'],
    needs: { capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const steps = kit.size('steps', { reduced: 4, full: 40 })
      const steppedClock = new SteppedClock()
      const load = new Load(kit, await kit.connect({ runtime: steppedClock.runtime }))
      const { messaging, channel, ledger } = load
      const firstFailedAt = new Map<number, number>()
      const delays: number[] = []
      let timedOut = 0
      const handler = load.handler(async ({ n }: Item, { signal }) => {
        const failedAt = firstFailedAt.get(n)
        if (failedAt !== undefined) delays.push(monotonicMs() - failedAt)
        // So uneven that some run is always under way, and with it its timeout.
        await kit.sleep(10 + ((n * 7) % 50))
        if (signal.aborted) timedOut++
        if (failedAt !== undefined || n % retryEvery !== 0 || n < 0) return
        firstFailedAt.set(n, monotonicMs())
        throw new Error('planted')
      })
      const retry = { maxAttempts: 3, delaysMs: [delayMs] }
      await messaging.consume(channel, { group, concurrency: 32, retry, timeoutMs: runTimeoutMs }, handler)
      let next = 0
      let stepping = true
      const publish = async (): Promise<void> => {
        while (stepping && !kit.signal.aborted) {
          await load.send(item(next++), { timeoutMs: sendTimeoutMs })
          await kit.sleep(pauseMs)
        }
      }
      const step = async (): Promise<void> => {
        for (let count = 0; count < steps; count++) {
          await load.progress(60)
          // Forth, back, back, forth: a day ahead, true, a day behind, true.
          await kit.sleep(apartMs)
          steppedClock.step(count % 4 === 0 || count % 4 === 3 ? dayMs : -dayMs)
        }
        await load.progress(60)
      }
      await load.while(step, Array.from({ length: publishers }, publish), () => void (stepping = false))
      await load.untilHandled(kit.timings.arriveMs)
      ledger.expectWhole()
      kit.account(ledger.account, { retries: delays.length, longestDelayMs: Math.round(Math.max(...delays)) })
      equal(ledger.duplicated.length, 0, 'handled twice')
      equal(timedOut, 0, 'runs told that their time is over')
      equal(delays.length, firstFailedAt.size, 'each that failed came once more')
      const isLane = countsByTheWallClock(kit.capabilities)
      const mostMs = delayMs * (isLane ? 2 : 1) + granularityMs(kit.capabilities) + kit.timings.toleranceMs
      ok(isLane || Math.min(...delays) >= delayMs - 5, `a retry after ${Math.min(...delays)} ms of ${delayMs}`)
      ok(Math.max(...delays) <= mostMs, `a retry after ${Math.max(...delays)} ms of ${delayMs}`)
      await load.expectNothingLeft()
      await messaging.close({ drainMs: 2_000 })
    },
    refusal: refusesRetries,
  },
]

/**
 * In delay lanes the core waits, and only the wall clock is the same for all members: a step may cut a wait short, or
 * begin it anew, but never more than that.
 */
function countsByTheWallClock({ retryInPlace, delayedSend, delayLanes }: Capabilities): boolean {
  return delayLanes && retryInPlace === undefined && (delayedSend?.toGroupMs ?? 0) === 0
}

/** The system's time, with a wall clock that can be set. */
class SteppedClock {
  #offsetMs = 0

  readonly runtime: Runtime = {
    random: systemRuntime.random,
    clock: {
      now: () => systemRuntime.clock.now() + this.#offsetMs,
      monotonic: () => systemRuntime.clock.monotonic(),
      after: (delayMs, callback) => systemRuntime.clock.after(delayMs, callback),
    },
  }

  step(ms: number): void {
    this.#offsetMs += ms
  }
}
