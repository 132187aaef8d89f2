import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { DeadLetter } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemIn, items } from '../../item.ts'
import { untilEmpty } from '../rty/letters.ts'
import { deadDepth, deadIds, deadItems, group, once } from './dead-messages.ts'

/** Looking at dead letters, and throwing them away. */
export const browsing: readonly Behaviour[] = [
  {
    id: 'RDR-01',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const ids = await deadItems(kit, messaging, orders, items(8), { headers: { mine: 'ä ✓' } })
      const letters = messaging.deadLetters(orders, group)
      const seen = await all(letters.list())
      const inOrder = kit.capabilities.browse === 'exact' ? seen.map(idOf) : seen.map(idOf).sort()
      deepEqual(inOrder, kit.capabilities.browse === 'exact' ? ids : [...ids].sort(), 'oldest first')
      for (let again = 0; again < 3; again++) equal((await all(letters.list())).length, 8, `look ${again + 2}`)
      const third = seen[2] as DeadLetter
      const { message, failure } = (await letters.get(idOf(third))) ?? third
      deepEqual([message.id, message.headers.mine, message.key], [idOf(third), 'ä ✓', 'k0'])
      deepEqual(await third.decode(), itemIn(message.body))
      ok(failure)
      deepEqual([failure.type, failure.attempts], ['RangeError', 1])
      match(failure.message, /^planted for item \d$/)
      match(failure.stack, /RangeError: planted for item/)
      ok(failure.firstFailureAt.getTime() <= failure.lastFailureAt.getTime())
      ok((message.time?.getTime() ?? Infinity) <= failure.firstFailureAt.getTime())
      equal(await letters.get('no such id'), undefined)
      if (kit.capabilities.browse === 'exact') {
        deepEqual((await all(letters.list({ limit: 3 }))).map(idOf), ids.slice(0, 3))
        const after = ids[4] as string
        deepEqual((await all(letters.list({ limit: 2, after }))).map(idOf), ids.slice(5, 7))
      }
      await kit.eventually('all are back', async () => (await deadDepth(kit, orders.name)) === 8)
      await untilEmpty(kit, { channel: orders.name, group, lane: 'dead' }, 8)
      deepEqual(await deadIds(kit, orders.name), [...ids].sort(), 'looking takes nothing away')
      await untilEmpty(kit, { channel: orders.name, group })
    },
  },
  {
    id: 'RDR-06',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect()
      const ids = await deadItems(kit, messaging, orders, items(6))
      const letters = messaging.deadLetters(orders, group)
      const runs = kit.record(group)
      await messaging.consume(orders, { group, retry: once }, runs.handler())
      equal(await letters.discard({ ids: [ids[0] as string, 'no such id'] }), 1)
      deepEqual(await deadIds(kit, orders.name), ids.slice(1).sort())
      equal(await letters.discard({ where: ({ failure }) => failure?.message.endsWith('3') === true }), 1)
      const left = ids.filter((_, n) => n !== 0 && n !== 3)
      deepEqual(await deadIds(kit, orders.name), [...left].sort())
      await kit.expectRejection('invalidArgument', letters.discard({} as never))
      deepEqual(await deadIds(kit, orders.name), [...left].sort(), 'nothing said, nothing thrown away')
      equal(await letters.discard('all'), 4)
      equal(await letters.discard('all'), 0)
      await untilEmpty(kit, { channel: orders.name, group, lane: 'dead' })
      await kit.quiet('what was thrown away does not come back', {
        watch: () => runs.runs.length,
        control: async () => runs.untilDone([(await messaging.send(orders, item(9))).id]),
      })
    },
  },
]

async function all(letters: AsyncIterable<DeadLetter>): Promise<DeadLetter[]> {
  const found: DeadLetter[] = []
  for await (const letter of letters) found.push(letter)
  return found
}

const idOf = ({ message }: DeadLetter): string => message.id
