import { equal, ok } from 'node:assert/strict'
import type { MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { monotonicMs } from '../../time.ts'
import { underLoad } from './load.ts'

/** A way to the broker that is neither well nor gone. */
export const links: readonly Behaviour[] = [
  {
    id: 'FLT-05',
    tags: ['long'],
    needs: { faults: ['halfOpen'] },
    deadlineMs: 60_000,
    async run(kit) {
      const times = kit.size('times', { reduced: 1, full: 10 })
      const count = kit.size('messages', { reduced: 300, full: 3_000 })
      const { heartbeatMs, toleranceMs } = kit.timings
      const link = await kit.link()
      let lost = 0
      const onEvent = ({ type }: MessagingEvent): void => void (type === 'disconnected' && lost++)
      let slowestMs = 0
      await underLoad(kit, { count, connect: { link, onEvent } }, async (load) => {
        for (let time = 0; time < times; time++) {
          await load.progress(20)
          const before = lost
          const startedAt = monotonicMs()
          await link.halfOpen()
          kit.step(`${time + 1} of ${times} connections half open`)
          await kit.eventually('it is noticed', () => lost > before, 2 * heartbeatMs + toleranceMs)
          slowestMs = Math.max(slowestMs, monotonicMs() - startedAt)
          // The other role's connection is its own and may be noticed a little later.
          await load.progress(50)
        }
      })
      ok(slowestMs >= heartbeatMs / 4, `noticed after ${slowestMs} ms: nobody can know so early`)
      kit.account({}, { noticedMs: Math.round(slowestMs) })
    },
  },
  {
    id: 'FLT-06',
    tags: ['long'],
    needs: { faults: ['slow'] },
    deadlineMs: 90_000,
    async run(kit) {
      const seconds = kit.size('seconds of one-byte writes', { reduced: 5, full: 60 })
      const link = await kit.link()
      let lost = 0
      const onEvent = ({ type }: MessagingEvent): void => void (type === 'disconnected' && lost++)
      await underLoad(kit, { count: 200, connect: { link, onEvent } }, async (load) => {
        await load.progress(50)
        await link.slow({ bytesPerSecond: 16_000, chunkBytes: 1 })
        const startedAt = monotonicMs()
        const before = load.ledger.handledMessages
        await kit.sleep(seconds * 1_000)
        const handled = load.ledger.handledMessages - before
        const perSecond = handled / ((monotonicMs() - startedAt) / 1_000)
        ok(handled > 0, 'it goes on, slowly')
        ok(perSecond < 200, `${perSecond.toFixed(0)} messages per second: the link is not slow`)
        kit.account({}, { perSecondOnTheSlowLink: Math.round(perSecond) })
        equal(lost, 0, 'connections given up because they were slow')
        await link.restore()
        await load.progress(200)
      })
    },
  },
]
