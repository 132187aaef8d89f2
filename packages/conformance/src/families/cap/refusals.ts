import { deepEqual, equal, ok } from 'node:assert/strict'
import { channel, type Channel, type Driver, type Messaging } from '@waybill/core'
import type { Capabilities } from '@waybill/core/driver'
import { canDelay } from '../../allowed-retries.ts'
import type { Behaviour } from '../../behaviour.ts'
import { item, itemSchema, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { wrapConnection, wrapConnections, wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'
const handler = async (): Promise<void> => {}

/** One thing that a program can ask for, and what the broker must declare for it. */
interface Ask {
  readonly capability: string
  isDeclared(capabilities: Capabilities): boolean
  /** The capabilities without it. */
  without(capabilities: Capabilities): Capabilities
  ask(messaging: Messaging, kit: Kit): Promise<unknown>
}

const asks: readonly Ask[] = [
  {
    capability: 'order',
    isDeclared: ({ order }) => order !== 'none',
    without: (all) => ({ ...all, order: 'none' }),
    ask: (messaging, kit) => messaging.consume(keyed(kit), { group }, handler),
  },
  {
    capability: 'order, to send',
    isDeclared: ({ order }) => order !== 'none',
    without: (all) => ({ ...all, order: 'none' }),
    ask: (messaging, kit) => messaging.send(keyed(kit), item()),
  },
  {
    capability: 'any delay for retries',
    isDeclared: canDelay,
    without: (all) => withoutDelay(all),
    ask: (messaging, kit) =>
      messaging.consume(plain(kit), { group, retry: { maxAttempts: 3, delaysMs: [1_000] } }, handler),
  },
  {
    capability: 'delayedSend.toChannelMs',
    isDeclared: ({ delayedSend }) => (delayedSend?.toChannelMs ?? 0) > 0,
    without: ({ delayedSend: _, ...all }) => all,
    ask: (messaging, kit) => messaging.send(plain(kit), item(), { deliverAt: new Date(Date.now() + 1_000) }),
  },
  {
    capability: 'delayedSend.withOrder',
    isDeclared: ({ order, delayedSend }) =>
      order !== 'none' && delayedSend?.withOrder === true && delayedSend.toChannelMs > 0,
    without: (all) =>
      all.delayedSend === undefined ? all : { ...all, delayedSend: { ...all.delayedSend, withOrder: false } },
    ask: (messaging, kit) => messaging.send(keyed(kit), item(), { deliverAt: new Date(Date.now() + 1_000) }),
  },
  {
    capability: 'byteBound',
    isDeclared: ({ byteBound }) => byteBound,
    without: (all) => ({ ...all, byteBound: false }),
    ask: (messaging, kit) => messaging.consume(plain(kit), { group, maxInFlightBytes: 1_000 }, handler),
  },
  {
    capability: 'temporary',
    isDeclared: ({ temporary }) => temporary !== 'none',
    without: (all) => ({ ...all, temporary: 'none' }),
    ask: (messaging, kit) => messaging.consumeBroadcast(plain(kit), { onGap: () => {} }, handler),
  },
  {
    capability: 'temporary, for replies',
    isDeclared: ({ temporary }) => temporary !== 'none',
    without: (all) => ({ ...all, temporary: 'none' }),
    ask: async (messaging, kit) => {
      const prices = channel(kit.name('prices'), {
        schema: itemSchema,
        reply: itemSchema,
        groups: [group],
      }) as Channel<any>
      await messaging.consume(prices, { group }, async (data: unknown) => data)
      return messaging.request(prices, item(), { timeoutMs: 5_000 })
    },
  },
  {
    capability: 'replay',
    isDeclared: ({ replay }) => replay.includes('oldest'),
    without: (all) => withoutReplay(all, 'oldest'),
    ask: (messaging, kit) => messaging.consume(plain(kit), { group, startFrom: 'beginning' }, handler),
  },
  {
    capability: 'replay.time',
    isDeclared: ({ replay }) => replay.includes('time'),
    without: (all) => withoutReplay(all, 'time'),
    ask: (messaging, kit) => messaging.consume(plain(kit), { group, startFrom: { time: new Date(0) } }, handler),
  },
  {
    capability: 'inspect ready',
    isDeclared: ({ inspect }) => inspect.includes('ready'),
    without: (all) => ({ ...all, inspect: [] }),
    ask: async (messaging, kit) => (await messaging.consume(plain(kit), { group }, handler)).caughtUp(),
  },
]

/** What is not declared is refused, whoever did not declare it; what is declared is not. */
export const refused: readonly Behaviour[] = [
  {
    id: 'CAP-01',
    deadlineMs: 60_000,
    async run(kit) {
      const messaging = await kit.connect()
      const declared: string[] = []
      for (const { capability, isDeclared, ask } of asks) {
        kit.log.note(capability)
        if (!isDeclared(kit.capabilities)) await kit.expectUnsupported(ask(messaging, kit))
        else {
          declared.push(capability)
          await kit.within(capability, ask(messaging, kit))
        }
      }
      kit.log.note('declared', declared)
    },
  },
  {
    id: 'CAP-01',
    part: 'each taken away',
    deadlineMs: 60_000,
    async run(kit) {
      for (const { capability, without, ask } of asks) {
        kit.log.note(capability)
        const touched: string[] = []
        const wrap = (driver: Driver): Driver =>
          watchUse(wrapDriver(driver, { capabilities: without(driver.capabilities) }), touched)
        const messaging = await kit.connect({ wrap })
        await kit.expectUnsupported(ask(messaging, kit))
        if (/^inspect|replies/.test(capability)) continue
        deepEqual(touched, [], `${capability}: refused before any I/O`)
      }
    },
  },
  {
    id: 'CAP-01',
    part: 'more members than a group can have',
    async run(kit) {
      const wrap = (driver: Driver): Driver =>
        wrapDriver(driver, { capabilities: { ...driver.capabilities, membersPerGroup: 1 } })
      const orders = plain(kit)
      const messaging = await kit.connect({ wrap })
      const first = await messaging.consume(orders, { group }, handler)
      await kit.expectUnsupported(messaging.consume(orders, { group }, handler))
      await first.close()
      const next = await messaging.consume(orders, { group }, handler)
      ok(next, 'a place that is free can be taken')
    },
  },
  {
    id: 'CAP-01',
    part: 'an adapter for another core',
    async run(kit) {
      const wrap = (driver: Driver): Driver => wrapDriver(driver, { specVersion: 2 as 1 })
      const error = await kit.expectRejection('unsupported', kit.connect({ wrap }))
      ok(/version/.test(error.message) && /install/.test(error.message), error.message)
      equal(error.retryable, false)
    },
  },
]

function plain(kit: Kit): ItemChannel<typeof group> {
  return kit.channel([group])
}

function keyed(kit: Kit): ItemChannel<typeof group> {
  return kit.channel([group], { ordering: 'key' })
}

function withoutDelay({ retryInPlace: _, delayedSend: __, ...all }: Capabilities): Capabilities {
  return { ...all, delayLanes: false }
}

function withoutReplay(all: Capabilities, what: Capabilities['replay'][number]): Capabilities {
  return { ...all, replay: all.replay.filter((each) => each !== what) }
}

function watchUse(driver: Driver, touched: string[]): Driver {
  return wrapConnections(driver, (connection) =>
    wrapConnection(connection, {
      send: (to, batch, done) => {
        touched.push('send')
        connection.send(to, batch, done)
      },
      listen: (request, onDelivery) => {
        touched.push('listen')
        return connection.listen(request, onDelivery)
      },
    }),
  )
}
