import { deepEqual, equal, match } from 'node:assert/strict'
import { MessagingError, type Messaging, type MessagingEvent } from '@waybill/core'
import type { Driver } from '@waybill/core/driver'
import type { Behaviour } from '../../behaviour.ts'
import type { ForeignTopology } from '../../faults.ts'
import { item, itemChannel, itemIn, items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { wrapConnection, wrapConnections, wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }

/** What is made, what is only looked for, and what is left alone. */
export const provisioning: readonly Behaviour[] = [
  {
    id: 'TOP-07',
    async run(kit) {
      const ordering = kit.capabilities.order === 'none' ? {} : ({ ordering: 'key' } as const)
      const channels = [kit.channel([group, 'audit']), kit.channel([group, 'audit'], ordering)]
      const processes = await Promise.all(Array.from({ length: 10 }, () => kit.connect()))
      await kit.within(
        'ten at once',
        Promise.all(processes.map((each) => each.provision(channels, 'create'))),
        kit.timings.arriveMs + 5_000,
      )
      const made = await kit.probe.entities(kit.nonce)
      for (const orders of channels) {
        const [first] = processes
        if (first === undefined) return
        const ids = await sendItems(first, orders, items(20))
        await Promise.all(processes.map((each) => each.provision(channels, 'create')))
        await (await kit.connect()).provision(channels, 'verify')
        deepEqual(await kit.probe.entities(kit.nonce), made, 'nothing more was made')
        for (const name of [group, 'audit'] as const) {
          const found = await kit.probe.extract({ channel: orders.name, group: name })
          deepEqual(found.map(({ attributes }) => attributes.id).sort(), [...ids].sort(), 'what waited, each once')
        }
      }
    },
  },
  {
    id: 'TOP-07',
    part: 'refused for the moment',
    async run(kit) {
      const faults: MessagingEvent[] = []
      const connect = (times: number): Promise<Messaging> =>
        kit.connect({
          onEvent: (event) => event.type === 'fault' && faults.push(event),
          wrap: (driver) => refusingToProvision(driver, times),
        })
      const orders = kit.channel([group])
      const runs = kit.record<Item>(group)
      const [first, second] = [await connect(2), await connect(2)]
      await first.consume(orders, { group }, runs.handler())
      const { id } = await second.send(orders, item(1))
      await runs.untilDone([id])
      await first.provision([kit.channel([group])], 'create')
      equal(faults.length > 0, true, 'each refusal is told')
      for (const { error } of faults) {
        equal(MessagingError.is(error) && error.code, 'unavailable')
        match(String(error), /just being made/)
      }
      const third = await connect(Infinity)
      const hopeless = [
        () => third.producer(orders),
        () => third.consume(orders, { group }, async () => {}),
        () => third.send(orders, item(2)),
        () => third.provision([orders], 'create'),
      ].map((attempt) => kit.expectRejection('closed', attempt()))
      await third.close({ drainMs: 200 })
      await kit.within('the close ends what still waits', Promise.all(hopeless))
    },
  },
  {
    id: 'TOP-08',
    async run(kit) {
      const there = kit.channel([group])
      const missing = kit.channel([group, 'shipping'])
      const messaging = await kit.connect()
      await messaging.producer(there)
      const made = await kit.probe.entities(kit.nonce)
      const withOther = itemChannel(there.name, [group, 'shipping'])
      const channels = { [there.name]: verified, [missing.name]: verified }
      for (const orders of [missing, withOther]) {
        const strict = await kit.connect({ channels })
        const consume = { group, retry: once } as const
        const errors = [
          await kit.expectRejection('notFound', (await kit.connect()).provision([orders], 'verify')),
          await kit.expectRejection('notFound', strict.producer(orders)),
          await kit.expectRejection(
            'notFound',
            strict.consume(orders, consume, async () => {}),
          ),
          await kit.expectRejection('notFound', strict.send(orders, item())),
        ]
        for (const error of errors) {
          equal(error.channel, orders.name)
          equal(error.retryable, false)
        }
      }
      deepEqual(await kit.probe.entities(kit.nonce), made, 'nothing was made')
      const strict = await kit.connect({ channels })
      const { id } = await strict.send(there, item(1))
      const found = await kit.probe.extract({ channel: there.name, group })
      deepEqual(
        found.map(({ attributes }) => attributes.id),
        [id],
        'what is there can be used',
      )
    },
  },
  {
    id: 'TOP-09',
    needs: { faults: ['misdeclare'] },
    async run(kit) {
      const taken = kit.channel([group])
      const good = kit.channel([group])
      const address = { channel: taken.name, group }
      await kit.faults.misdeclare(address)
      const body = Buffer.from(JSON.stringify(item(1)))
      await kit.probe.inject(address, { body })
      let connects = 0
      const events: MessagingEvent[] = []
      const messaging = await kit.connect({
        onEvent: (event) => events.push(event),
        wrap: (driver) =>
          wrapDriver(driver, {
            connect: (context) => {
              connects++
              return driver.connect(context)
            },
          }),
      })
      const runs = kit.record<Item>(group)
      await messaging.consume(good, { group }, runs.handler())
      for (const attempt of [
        () => messaging.producer(taken),
        () => messaging.consume(taken, { group }, async () => {}),
        () => messaging.send(taken, item()),
        () => messaging.provision([taken], 'create'),
      ]) {
        const error = await kit.expectRejection('failedPrecondition', attempt())
        equal(error.channel, taken.name)
        equal(error.retryable, false)
        match(error.message, new RegExp(taken.name))
      }
      await kit.quiet('no loop of connections or faults', {
        watch: () => [connects, events.length, runs.runs.length],
        async control() {
          const ids = await sendItems(messaging, good, items(1))
          await runs.untilDone(ids)
        },
      })
      equal(connects, 2, 'one connection per role, which others go on using')
      const found = await kit.probe.extract(address)
      deepEqual(
        found.map((each) => Buffer.from(each.body ?? []).toString()),
        [body.toString()],
        'the existing entity and its message are untouched',
      )
    },
  },
  {
    id: 'TOP-15',
    needs: { faults: ['createForeign'] },
    run: (kit) => useForeign(kit, {}),
  },
  {
    id: 'TOP-15',
    part: 'verified',
    needs: { faults: ['createForeign'] },
    run: (kit) => useForeign(kit, verified),
  },
]

const verified = { provision: 'verify' } as const

/** Each connection answers the first `times` calls as a broker does while another client makes the same entities. */
function refusingToProvision(driver: Driver, times: number): Driver {
  return wrapConnections(driver, (connection) => {
    let left = times
    return wrapConnection(connection, {
      async provision(topology, mode) {
        if (left-- > 0) throw new MessagingError('unavailable', 'planted: it is just being made')
        return connection.provision(topology, mode)
      },
    })
  })
}

/** Sends to, consumes from and dead-letters to entities of somebody else, without making one. */
async function useForeign(kit: Kit, provision: { readonly provision?: 'verify' }): Promise<void> {
  const base = kit.name('items')
  const foreign: ForeignTopology = await kit.faults.createForeign(base, group)
  const existing = await kit.probe.entities(kit.nonce)
  const orders = itemChannel(base, [group])
  const messaging = await kit.connect({ channels: { [base]: { ...foreign.configuration, ...provision } } })
  const { id } = await messaging.send(orders, item(1))
  const [sent] = await kit.probe.extract(foreign.main)
  equal(sent?.attributes.id, id, 'a send reaches the existing entity')
  deepEqual(itemIn(sent?.body), item(1))
  const runs = kit.record<Item>(group)
  const failing = runs.handler(async ({ n }) => {
    if (n === 3) throw new Error('planted')
  })
  await messaging.consume(orders, { group, retry: once }, failing)
  await kit.probe.inject(foreign.main, { body: Buffer.from(JSON.stringify(item(2))) })
  const failed = await messaging.send(orders, item(3))
  await runs.untilRuns(2)
  deepEqual(runs.runs.map(({ data }) => data.n).sort(), [2, 3])
  const dead = await kit.eventually('the dead letter', async () => {
    const found = await kit.probe.extract(foreign.dead)
    return found.length > 0 && found
  })
  deepEqual(
    dead.map(({ attributes, headers }) => [attributes.id, headers['waybill-failure-attempts']]),
    [[failed.id, '1']],
  )
  const before = runs.runs.length
  const last = await messaging.send(orders, item(4))
  await runs.untilDone([last.id])
  equal(runs.runs.length, before + 1)
  deepEqual(await kit.probe.entities(kit.nonce), existing, 'nothing was made')
}
