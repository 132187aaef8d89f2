import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { startChild } from '../../child-process.ts'
import { item, items, sendItems } from '../../item.ts'
import { monotonicMs } from '../../time.ts'
import { group } from './load.ts'
import { blocking, boundsSilence, waitsOutSilence } from './silence.ts'

const mostGrownMiB = 32
const warmUp = 20_000
const resumedWithinMs = 1_000

/** The broker asks senders to wait. */
export const blocks: readonly Behaviour[] = [
  {
    id: 'FLT-12',
    needs: { capability: blocking, faults: ['block'] },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const runs = kit.record(group)
      const gate = kit.gate()
      const handler = runs.handler(() => gate.opened)
      await messaging.consume(orders, { group, concurrency: 8 }, handler)
      const ids = await sendItems(messaging, orders, items(200))
      await kit.faults.block()
      let resolved = 0
      const sends = items(200).map(async (each) => {
        const { id } = await messaging.send(orders, each, { timeoutMs: 60_000 })
        resolved++
        return id
      })
      void Promise.allSettled(sends)
      const late = kit.expectRejection('timeout', messaging.send(orders, item(-1), { timeoutMs: 1_000 }))
      gate.open()
      await runs.untilDone(ids)
      const at = { channel: orders.name, group }
      const isSettled = async (): Promise<boolean> =>
        (await kit.probe.depth(at)) === 0 && (await kit.probe.unsettled(at)) === 0
      await kit.eventually('what is there is handled and settled, senders blocked or not', isSettled)
      await late
      equal(resolved, 0, 'sends that resolved though the broker blocks')
      await kit.faults.unblock()
      const more = await kit.within('the sends, after unblocking', Promise.all(sends), resumedWithinMs)
      await runs.untilDone(more)
      const { duplicated, lost } = runs.tally([...ids, ...more])
      deepEqual({ duplicated, lost }, { duplicated: [], lost: [] })
    },
    refusal: waitsOutSilence,
  },
  {
    id: 'FLT-12',
    part: 'a sender in a process of its own',
    tags: ['long'],
    needs: { capability: blocking, faults: ['block', 'process'] },
    deadlineMs: 90_000,
    async run(kit) {
      const count = kit.size('sends', { reduced: 20_000, full: 100_000 })
      const seconds = kit.size('seconds', { reduced: 2, full: 10 })
      const orders = kit.channel([group])
      const target = { url: kit.harness.url, channel: orders.name, group }
      const child = startChild(kit, 'offer', { ...target, count, overMs: seconds * 1_000, bodyBytes: 1_024, warmUp })
      const said = (word: string): Promise<string> =>
        kit.eventually(`the sender says ${word}`, () => child.lines.find((line) => line.startsWith(word)), 60_000)
      await said('ready')
      await kit.faults.block()
      child.signal('SIGUSR2')
      const [, grown = '', early] = (await said('grown')).split(' ')
      equal(early, 'false', 'sends that resolved though the broker blocks')
      await kit.faults.unblock()
      const unblockedAt = monotonicMs()
      await said('resumed')
      const resumedMs = Math.round(monotonicMs() - unblockedAt)
      await said('done')
      const { code } = await kit.within('the exit', child.exited)
      equal(code, 0, child.complaints)
      const grownMiB = Number(grown) / 2 ** 20
      kit.account({ attempted: count, acknowledged: count }, { grownMiB: Math.round(grownMiB), resumedMs })
      equal(await kit.probe.depth({ channel: orders.name, group }), count + warmUp, 'what the broker has')
      ok(grownMiB <= mostGrownMiB, `${count} sends offered to a blocked broker grew the process by ${grownMiB} MiB`)
      ok(resumedMs <= resumedWithinMs, `sending resumed ${resumedMs} ms after unblocking`)
    },
    refusal: boundsSilence,
  },
]
