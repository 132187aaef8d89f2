import { deepEqual, equal } from 'node:assert/strict'
import { bytes, channel, MessagingError, type Receipt } from '@waybill/core'
import type { Driver, Outgoing } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemIn, items } from '../../item.ts'
import { countSends, wrapConnection, wrapConnections } from '../../wrapped-driver.ts'

const group = 'billing'

/** What must not be sent is refused before the broker hears of it, and hurts nobody else. */
export const refusals: readonly Behaviour[] = [
  {
    id: 'SND-07',
    async run(kit) {
      const limit = kit.capabilities.maxBodyBytes
      const counter = countSends()
      const disconnects: string[] = []
      const messaging = await kit.connect({
        wrap: counter.wrap,
        onEvent: ({ type }) => type === 'disconnected' && disconnects.push(type),
      })
      const files = channel(kit.name('files'), { schema: bytes, groups: [group] })
      await messaging.send(files, new Uint8Array(limit).fill(7))
      const over = new Uint8Array(limit + 1)
      await kit.expectRejection('tooLarge', messaging.send(files, over))
      equal(counter.handed, 1, 'messages that reached the driver')
      await messaging.send(files, new Uint8Array(1))
      const found = await kit.probe.extract({ channel: files.name, group })
      const sizes = found.map(({ body }) => body?.length ?? 0).sort((a, b) => a - b)
      deepEqual(sizes, [1, limit], 'the bytes that the broker has, each once; what has no key has no order')
      deepEqual(disconnects, [], 'the connection survives')
    },
  },
  {
    id: 'SND-10',
    async run(kit) {
      const good = kit.channel([group])
      const missing = kit.channel([group])
      const messaging = await kit.connect({ channels: { [missing.name]: { provision: 'none' } } })
      await Promise.all([messaging.producer(good), messaging.producer(missing)])
      const sends: Promise<Receipt | MessagingError>[] = []
      for (const each of items(200)) {
        if (each.n % 50 === 25) {
          const bad = messaging.send(missing, each, { timeoutMs: 5_000 })
          sends.push(kit.expectRejection(['notFound', 'unroutable'], bad, 5_000 + kit.timings.toleranceMs))
          await Promise.resolve()
        } else sends.push(messaging.send(good, each))
      }
      const answers = await kit.within('all sends', Promise.all(sends), kit.timings.recoverMs)
      const sent = answers.flatMap((each) => ('id' in each ? [each.id] : []))
      equal(sent.length, 196)
      const found = await kit.probe.extract({ channel: good.name, group })
      deepEqual([...new Set(found.map(({ attributes }) => attributes.id))].sort(), sent.sort())
    },
  },
  {
    id: 'SND-10',
    part: 'in one batch',
    async run(kit) {
      const orders = kit.channel([group])
      const refused = (each: Outgoing): boolean => each.message.headers.refuse === 'yes'
      const messaging = await kit.connect({ wrap: refuseEntries(refused) })
      const bad = new Set([0, 7, 8, 39])
      const sends = items(40).map((each) =>
        messaging.send(orders, each, bad.has(each.n) ? { headers: { refuse: 'yes' } } : {}),
      )
      const outcomes = await kit.within('all sends', Promise.allSettled(sends))
      const failed = outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))
      deepEqual(failed, [...bad], 'the rejected sends')
      const found = await kit.probe.extract({ channel: orders.name, group })
      const numbers = found.map(({ body }) => itemIn(body).n).sort((a, b) => a - b)
      deepEqual(
        numbers,
        items(40).flatMap(({ n }) => (bad.has(n) ? [] : [n])),
        'the others arrive, each once',
      )
    },
  },
  {
    id: 'SND-12',
    async run(kit) {
      const counter = countSends()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ wrap: counter.wrap })
      const bad = [
        { headers: { 'name\r\nwith line': 'x' } },
        { headers: { 'name\0': 'x' } },
        { headers: { '': 'x' } },
        { headers: { 'waybill-attempt': '7' } },
        { headers: { name: 'value\0' } },
        { headers: { name: 7 as unknown as string } },
        { key: 'key\0' },
        { key: 7 as unknown as string },
      ]
      for (const options of bad) {
        await kit.expectRejection('invalidArgument', messaging.send(orders, item(), options))
      }
      equal(counter.handed, 0, 'messages that reached the driver')
      await messaging.send(orders, item(), { headers: { name: 'value' }, key: 'key' })
      equal(counter.handed, 1)
    },
  },
]

/** The broker takes all of a batch but those: the driver is handed the rest, and their places are kept. */
function refuseEntries(refused: (each: Outgoing) => boolean): (driver: Driver) => Driver {
  const error = new MessagingError('failedPrecondition', 'refused by the case')
  return (driver) =>
    wrapConnections(driver, (connection) =>
      wrapConnection(connection, {
        send(to, batch, done) {
          const places = [...batch.keys()].filter((index) => !refused(batch[index] as Outgoing))
          const passed = places.map((index) => batch[index] as Outgoing)
          for (const index of batch.keys()) if (!places.includes(index)) done(index, { error, outcome: 'notSent' })
          if (passed.length > 0) connection.send(to, passed, (index, failure) => done(places[index] as number, failure))
        },
      }),
    )
}
