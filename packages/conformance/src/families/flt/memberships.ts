import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item } from '../../item.ts'
import { ordered, refusesOrder } from '../rty/letters.ts'
import { concurrency, Crew, longestLeaseMs } from './crew.ts'
import { group, Load } from './load.ts'

const publishers = 16
const burst = 5

/** Members in processes of their own share keyed work, and come, go and are killed while it goes on. */
export const memberships: readonly Behaviour[] = [
  {
    id: 'FLT-10',
    part: 'every effect once, in order',
    tags: ['long'],
    needs: { faults: ['process'], capability: ordered },
    deadlineMs: 120_000,
    async run(kit) {
      const count = kit.size('messages', { reduced: 400, full: 10_000 })
      const changes = kit.size('membership changes', { reduced: 4, full: 30 })
      const load = new Load(kit, await kit.connect(), kit.channel([group], { ordering: 'key' }))
      const { ledger } = load
      await load.messaging.producer(load.channel)
      const crew = await Crew.open(kit, load)
      let next = 0
      let changing = true
      const publish = async (_: unknown, index: number): Promise<void> => {
        while ((changing || next < count) && !kit.signal.aborted) {
          const own = Array.from({ length: burst }, () => item(next++, { key: `k${index}` }))
          await Promise.all(own.map((each) => load.send(each, { timeoutMs: 60_000 })))
          await load.room()
          await kit.sleep(50 + 100 * Math.random())
        }
      }
      const change = async (): Promise<void> => {
        const between = Math.floor(count / (changes + 1))
        for (let done = 0; done < changes; done++) {
          kit.step(`${done} of ${changes} membership changes, ${ledger.handledMessages} messages handled`)
          await load.progress(between)
          await crew.change(done)
        }
        await load.progress(between)
      }
      await load.while(change, Array.from({ length: publishers }, publish), () => (changing = false))
      await load.untilHandled(kit.timings.recoverMs + kit.timings.arriveMs + longestLeaseMs)
      ledger.expectWhole()
      const { counts, book } = crew
      kit.account(ledger.account, { ...counts, refusedCommits: book.refusedCommits })
      equal(book.needlessRuns, 0, 'runs of what was done by a member that was not killed')
      equal(book.overlaps, 0, 'runs of one key at a time')
      ok(book.refusedCommits <= counts.killed * concurrency, `${book.refusedCommits} commits refused`)
      equal(crew.numbers.size, publishers)
      for (const [key, numbers] of crew.numbers)
        deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
          `the order of ${key}`,
        )
      await load.expectNothingLeft()
      deepEqual(await kit.probe.readDeadLetters(load.channel.name, group), [], 'dead letters')
      await crew.dismiss()
    },
    refusal: refusesOrder,
  },
]
