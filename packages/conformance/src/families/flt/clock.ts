import { equal, ok } from 'node:assert/strict'
import { systemRuntime, type Runtime } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { granularityMs, refusesRetries, retries } from '../rty/letters.ts'
import { group, Load } from './load.ts'

const dayMs = 24 * 60 * 60 * 1_000
const delayMs = 300
const retryEvery = 5
const publishers = 8

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
      const handler = load.handler(async ({ n }: Item) => {
        if (n % retryEvery !== 0 || n < 0) return
        const failedAt = firstFailedAt.get(n)
        if (failedAt !== undefined) return void delays.push(monotonicMs() - failedAt)
        firstFailedAt.set(n, monotonicMs())
        throw new Error('planted')
      })
      const retry = { maxAttempts: 3, delaysMs: [delayMs] }
      await messaging.consume(channel, { group, concurrency: 16, retry, timeoutMs: 10_000 }, handler)
      let next = 0
      let stepping = true
      const publish = async (): Promise<void> => {
        while (stepping && !kit.signal.aborted) {
          await load.send(item(next++), { timeoutMs: 10_000 })
          await kit.sleep(5)
        }
      }
      const step = async (): Promise<void> => {
        for (let count = 0; count < steps; count++) {
          await load.progress(60)
          // Forth, back, back, forth: a day ahead, true, a day behind, true.
          steppedClock.step(count % 4 === 0 || count % 4 === 3 ? dayMs : -dayMs)
        }
        await load.progress(60)
      }
      await load.while(step, Array.from({ length: publishers }, publish), () => void (stepping = false))
      await load.untilHandled(kit.timings.arriveMs)
      ledger.expectWhole()
      kit.account(ledger.account, { retries: delays.length, longestDelayMs: Math.round(Math.max(...delays)) })
      equal(ledger.duplicated.length, 0, 'handled twice')
      equal(delays.length, firstFailedAt.size, 'each that failed came once more')
      const mostMs = delayMs + granularityMs(kit.capabilities) + kit.timings.toleranceMs
      ok(Math.min(...delays) >= delayMs - 5, `a retry after ${Math.min(...delays)} ms of ${delayMs}`)
      ok(Math.max(...delays) <= mostMs, `a retry after ${Math.max(...delays)} ms of ${delayMs}`)
      await load.expectNothingLeft()
      await messaging.close({ drainMs: 2_000 })
    },
    refusal: refusesRetries,
  },
]

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
