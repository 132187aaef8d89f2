import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { type Child, startChild } from '../../child-process.ts'
import { item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { refusesRetries, retries } from '../rty/letters.ts'
import { CrashDesk, type CrashPoint, crashPoints, renewing } from './crash-desk.ts'
import { group, Load } from './load.ts'

const concurrency = 8
/** More than the dead can hold claims on at a time, so that the next worker finds something to die of. */
const mostAhead = 600

/** Consumers in processes of their own, killed where it hurts, while messages go on coming. */
export const crashes: readonly Behaviour[] = [
  {
    id: 'FLT-09',
    tags: ['long'],
    needs: { faults: ['process'], capability: retries },
    deadlineMs: 120_000,
    async run(kit) {
      const each = kit.size('kills at each point', { reduced: 1, full: 25 })
      const left = new Map(crashPoints.map((point) => [point, each]))
      const killed = new Map<CrashPoint, number>()
      const [load, slow] = [new Load(kit, await kit.connect()), new Load(kit, await kit.connect())]
      for (const { messaging, channel } of [load, slow]) await messaging.producer(channel)
      const crew = new Map<string, Child>()
      const desk = new CrashDesk(kit, {
        left,
        kill(worker, point) {
          crew.get(worker)?.signal('SIGKILL')
          killed.set(point, (killed.get(point) ?? 0) + 1)
        },
      })
      await desk.open()
      kit.defer(() => desk.close())
      let busy = true
      /** One after another, each as soon as the one before is dead. */
      const keepOne = async (name: string, channel: string): Promise<void> => {
        for (let index = 0; busy && !kit.signal.aborted; index++) {
          const options = { url: kit.harness.url, channel, group, concurrency, store: desk.url }
          const worker = `${name}-${index}`
          const child = startChild(kit, 'worker', { ...options, retentionMs: desk.retentionMs, name: worker })
          crew.set(worker, child)
          const { signal } = await child.exited
          equal(signal, 'SIGKILL', child.complaints)
          crew.delete(worker)
        }
      }
      const keeping = Promise.all([
        ...['first', 'second'].map((name) => keepOne(name, load.channel.name)),
        ...['a', 'b'].map((name) => keepOne(`${renewing}-${name}`, slow.channel.name)),
      ])
      const publish = async (one: Load): Promise<void> => {
        for (let n = 0; desk.left > 0 && !kit.signal.aborted; n++) {
          await one.send(item(one === slow ? -2 - n : n), { timeoutMs: 30_000 })
          const ahead = (): number => [load, slow].reduce((sum, { ledger }) => sum + ledger.acknowledged.size, 0)
          while (desk.left > 0 && ahead() - desk.book.effects.size > mostAhead && !kit.signal.aborted)
            await kit.sleep(20)
          await kit.sleep(one === slow ? 200 : 10)
        }
      }
      const telling = everySecond(kit, () => kit.step(`${desk.left} kills left, ${desk.book.effects.size} effects`))
      await Promise.all([publish(load), publish(slow)])
      const sent = [load, slow].flatMap(({ ledger }) => [...ledger.acknowledged])
      const missing = (): readonly string[] => sent.filter((id) => !desk.book.effects.has(id))
      const lookMs = kit.timings.recoverMs + kit.timings.arriveMs + 60_000
      await kit.eventually('every effect is done', () => missing().length === 0, lookMs).finally(telling)
      for (const { channel } of [load, slow]) await untilSettled(kit, channel.name)
      busy = false
      for (const child of crew.values()) child.signal('SIGKILL')
      await kit.within('the last workers', keeping)
      const { attempted, acknowledged, rejected } = load.ledger.account
      const figures = Object.fromEntries(crashPoints.map((point) => [`killed ${point}`, killed.get(point) ?? 0]))
      kit.account(
        {
          attempted: attempted + slow.ledger.account.attempted,
          acknowledged: acknowledged + slow.ledger.account.acknowledged,
          rejected: rejected + slow.ledger.account.rejected,
          ok: sent.length - missing().length,
          lost: missing().length,
        },
        { refusedCommits: desk.book.refusedCommits, ...figures },
      )
      equal(rejected, 0)
      equal(desk.book.effects.size, sent.length, 'effects of what was never sent')
      equal(desk.book.needlessRuns, 0, 'runs of what a living process had done')
      equal(desk.book.overlaps, 0, 'runs of one message at a time on two living processes')
      const afterCommit = killed.get('after commit') ?? 0
      const kills = crashPoints.length * each
      ok(
        desk.book.refusedCommits >= afterCommit,
        `${desk.book.refusedCommits} commits refused: the kills after commit left no trace`,
      )
      ok(
        desk.book.refusedCommits <= kills * concurrency,
        `${desk.book.refusedCommits} commits refused after ${kills} kills`,
      )
      for (const { channel } of [load, slow]) deepEqual(await kit.probe.readDeadLetters(channel.name, group), [])
    },
    refusal: refusesRetries,
  },
]

/** Duplicates that wait for their next look at the store included. */
async function untilSettled(kit: Kit, channel: string): Promise<void> {
  const at = { channel, group }
  let quietSince = 0
  const look = async (): Promise<boolean> => {
    const left = (await kit.probe.depth(at)) + (await kit.probe.unsettled(at))
    quietSince = left === 0 ? quietSince + 1 : 0
    return quietSince >= 20
  }
  await kit.eventually('all is settled', look, kit.timings.recoverMs + 30_000)
}

function everySecond(kit: Kit, tell: () => void): () => void {
  const timer = setInterval(tell, 1_000)
  const stop = (): void => clearInterval(timer)
  kit.defer(async () => stop())
  return stop
}
