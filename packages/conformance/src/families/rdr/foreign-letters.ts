import { deepEqual, equal, ok } from 'node:assert/strict'
import type { DeadLetter } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemChannel, type Item } from '../../item.ts'
import { untilEmpty } from '../rty/letters.ts'
import { group, once } from './dead-messages.ts'

const utf8 = new TextEncoder()
const bodyOf = (data: Item): Uint8Array => utf8.encode(JSON.stringify(data))

/** Dead letters that were not made here. */
export const foreignLetters: readonly Behaviour[] = [
  {
    id: 'RDR-09',
    async run(kit) {
      const orders = kit.channel([group])
      const dead = { channel: orders.name, group, lane: 'dead' } as const
      const messaging = await kit.connect()
      await messaging.provision([orders], 'create')
      await kit.probe.inject(dead, { body: bodyOf(item(0)), headers: { theirs: 'ä' } })
      const attributes = { id: 'their-1', source: '/theirs', type: 'their.type' }
      await kit.probe.inject(dead, { attributes, body: bodyOf(item(1)), key: 'k1' })
      const letters = messaging.deadLetters(orders, group)
      const seen: DeadLetter[] = []
      for await (const letter of letters.list()) seen.push(letter)
      deepEqual(
        seen.map(({ failure }) => failure),
        [undefined, undefined],
      )
      deepEqual(
        seen.map(({ message }) => message.headers.theirs),
        ['ä', undefined],
      )
      deepEqual(await Promise.all(seen.map((letter) => letter.decode())), [item(0), item(1)])
      const named = seen[1]?.message
      deepEqual([named?.id, named?.source, named?.type], ['their-1', '/theirs', 'their.type'])
      const runs = kit.record<Item>(group)
      await messaging.consume(orders, { group, retry: once }, runs.handler())
      deepEqual(await letters.redrive({ ids: ['their-1'] }), { redriven: 1, failed: [] })
      await runs.untilDone(['their-1'])
      deepEqual(await letters.redrive({ where: ({ message }) => message.headers.theirs === 'ä' }), {
        redriven: 1,
        failed: [],
      })
      await runs.untilRuns(2)
      const [theirs, nameless] = runs.runs
      deepEqual([theirs?.data, nameless?.data], [item(1), item(0)])
      equal(nameless?.message.headers.theirs, 'ä')
      ok(nameless?.id !== '' && nameless?.id !== 'their-1', 'a message without an id is given one')
      await untilEmpty(kit, dead)
    },
  },
  {
    id: 'RDR-09',
    part: 'in a place of another name',
    needs: { faults: ['createForeign'] },
    async run(kit) {
      const name = kit.name('items')
      const { configuration, main, dead } = await kit.faults.createForeign(name, group)
      const messaging = await kit.connect({ channels: { [name]: configuration } })
      const orders = itemChannel(name, [group])
      await kit.probe.inject(dead, { attributes: { id: 'their-1', source: '/theirs' }, body: bodyOf(item(1)) })
      const letters = messaging.deadLetters(orders, group)
      equal((await letters.get('their-1'))?.failure, undefined)
      equal(await kit.probe.depth(main), 0)
      deepEqual(await letters.redrive('all'), { redriven: 1, failed: [] })
      equal(await kit.probe.depth(main), 1, 'where the group is, by its configuration')
      const runs = kit.record<Item>(group)
      await messaging.consume(orders, { group, retry: once }, runs.handler())
      await runs.untilDone(['their-1'])
      await untilEmpty(kit, dead)
    },
  },
]
