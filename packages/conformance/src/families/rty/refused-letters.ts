import { deepEqual, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import { item, type Item } from '../../item.ts'
import { watchSends } from '../../wrapped-driver.ts'
import { idOf, untilDeadLetters, untilEmpty } from './letters.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }

/** A dead letter that the broker will not take: the message stays until it does. */
export const refusedLetters: readonly Behaviour[] = [
  {
    id: 'RTY-08',
    needs: { faults: ['refuseSends'] },
    deadlineMs: 60_000,
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      let tries = 0
      const wrap = watchSends((batch, { lane }) => {
        if (lane === 'dead') tries += batch.length
        return undefined
      })
      const messaging = await kit.connect({ wrap })
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const failing = runs.handler(async ({ n }) => {
        if (n === 1) await gate.opened
        throw new Error('planted')
      })
      await messaging.consume(orders, { group, retry: once }, failing)
      const first = await messaging.send(orders, item(0))
      await untilDeadLetters(kit, at, 1)
      const second = await messaging.send(orders, item(1))
      await runs.untilRuns(2)
      const allow = await kit.faults.refuseSends({ ...at, lane: 'dead' })
      const triesBefore = tries
      gate.open()
      // A native dead letter is a settlement and needs no send.
      if (kit.capabilities.deadLetter === 'native') return void (await untilDeadLetters(kit, at, 2))
      await kit.sleep(1_500)
      const refused = tries - triesBefore
      ok(refused >= 2 && refused <= 15, `${refused} tries within 1.5 s`)
      deepEqual(runs.attemptsOf(second.id), [1], 'the message is not run again meanwhile')
      deepEqual((await kit.probe.readDeadLetters(orders.name, group)).map(idOf), [first.id])
      await kit.eventually('the message is unsettled', async () => (await kit.probe.unsettled(at)) === 1)
      await allow()
      const letters = await untilDeadLetters(kit, at, 2, kit.timings.arriveMs + kit.timings.recoverMs)
      deepEqual(letters.map(idOf).sort(), [first.id, second.id].sort())
      await untilEmpty(kit, at)
      deepEqual(runs.attemptsOf(second.id), [1])
    },
  },
  {
    id: 'RTY-08',
    part: 'and the process dies of it',
    needs: { faults: ['refuseSends', 'cut'] },
    deadlineMs: 90_000,
    async run(kit) {
      const orders = kit.channel([group])
      const at = { channel: orders.name, group }
      const link = await kit.link()
      let tries = 0
      const wrap = watchSends((batch, { lane }) => {
        if (lane === 'dead') tries += batch.length
        return undefined
      })
      const dying = await kit.connect({ link, wrap })
      const runs = kit.record<Item>(group)
      const gate = kit.gate()
      const fail = async ({ n }: Item): Promise<void> => {
        if (n === 1) await gate.opened
        throw new Error('planted')
      }
      await dying.consume(orders, { group, retry: once }, runs.handler(fail, 'dying'))
      const first = await dying.send(orders, item(0))
      await untilDeadLetters(kit, at, 1)
      const second = await dying.send(orders, item(1))
      await runs.untilRuns(2)
      const allow = await kit.faults.refuseSends({ ...at, lane: 'dead' })
      const triesBefore = tries
      gate.open()
      if (kit.capabilities.deadLetter === 'lane') await kit.eventually('a refusal', () => tries > triesBefore)
      await link.sever()
      const heir = await kit.connect()
      await heir.consume(orders, { group, retry: once }, runs.handler(fail, 'heir'))
      const inherited = (): boolean => runs.runs.some(({ member }) => member === 'heir')
      await kit.eventually('the heir runs it', inherited, kit.timings.leaseMs + kit.timings.arriveMs)
      await allow()
      const letters = await untilDeadLetters(kit, at, 2, kit.timings.arriveMs + kit.timings.recoverMs)
      deepEqual(letters.map(idOf).sort(), [first.id, second.id].sort())
      await untilEmpty(kit, at)
    },
  },
]
