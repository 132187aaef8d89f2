import type { Driver, Listener, ListenRequest } from '@waybill/core/driver'
import { connections, deafTo, isMain, listeners, pause } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

const changedRequests = (change: (request: ListenRequest) => ListenRequest): ((driver: Driver) => Driver) =>
  listeners((connection, request, onDelivery) => connection.listen(change(request), onDelivery))
const never = new Promise<never>(() => {})
const isConsuming = ({ intent = 'consume' }: ListenRequest): boolean => intent === 'consume'

/** Drivers that deliver too much, too little, too early or to the wrong one. */
export const listening: readonly DriverMutant[] = [
  {
    name: 'ignores-max-in-flight',
    story: 'Delivers as much as there is; a prefetch that is never set.',
    wrap: changedRequests((request) => ({ ...request, maxInFlight: 100_000 })),
    red: {
      'FLW-05': /[\d.]+ were in flight at one time/,
    },
  },
  {
    name: 'ignores-the-bound-in-bytes',
    story: 'Bounds what is in flight by number only.',
    wrap: changedRequests(({ maxInFlightBytes: _, ...request }) => request),
    red: {
      'FLW-04/in bytes': /the broker has [\d.]+ waiting and [\d.]+ unsettled: not within/,
    },
  },
  {
    name: 'delivers-one-at-a-time',
    story: 'Waits for each settlement before the next delivery; prefetch 1.',
    wrap: changedRequests((request) => ({ ...request, maxInFlight: 1 })),
    red: {
      'BAT-01/gathered behind batches that are not full': /batch [\d.]+ runs: not within/,
    },
  },
  {
    name: 'ignores-order',
    story: 'Makes and reads every channel as if it kept no order: members compete for messages of one key.',
    wrap: connections((connection) => ({
      provision: ({ channels }, mode) =>
        connection.provision({ channels: channels.map((channel) => ({ ...channel, keyed: false })) }, mode),
      listen: (request, onDelivery) => connection.listen({ ...request, order: 'none' }, onDelivery),
    })),
    red: {
      'ORD-02': /[\d.]+ runs of one key at a time/,
      'ORD-05': /the order in which k[\d.]+ was handled/,
    },
  },
  {
    name: 'delivers-out-of-order',
    story: 'Hands every third delivery over 5 ms late; callbacks through a thread pool.',
    wrap: listeners((connection, request, onDelivery) => {
      let count = 0
      return connection.listen(request, async (delivery) => {
        if (isConsuming(request) && ++count % 3 === 0) await pause(5)
        return onDelivery(delivery)
      })
    }),
    red: {
      'ORD-04': /^the runs of k\d+: nothing passes/,
      'ORD-07': /^the order in which/,
      'ORD-07/of the broker': /^the order in which/,
    },
  },
  {
    name: 'delivers-twice',
    story: 'Delivers every tenth message a second time while it runs.',
    wrap: listeners((connection, request, onDelivery) => {
      let count = 0
      return connection.listen(request, (delivery) => {
        const settling = onDelivery(delivery)
        if (isConsuming(request) && ++count % 10 === 0) void onDelivery(delivery)
        return settling
      })
    }),
    red: {
      'TOP-03': /!== 301$/m,
      'FLW-02': /billing: [\d.]+ runs/,
      'FLW-03': /billing: [\d.]+ runs/,
    },
  },
  {
    name: 'skips-deliveries',
    story: 'Loses every tenth delivery and settles it; a full local queue that drops.',
    wrap: listeners((connection, request, onDelivery) => {
      let count = 0
      return connection.listen(request, async (delivery) =>
        isConsuming(request) && ++count % 10 === 0 ? { kind: 'accept' } : onDelivery(delivery),
      )
    }),
    red: {
      'FLW-04/on the same connection': /^fast: \d+ messages handled: not within/,
      'FLW-07/often, under load': /^billing: \d+ messages handled: not within/,
    },
  },
  {
    name: 'one-group-for-all',
    story: 'Lets all groups of a channel read from the first one.',
    wrap: (driver) => {
      const first = new Map<string, string>()
      return connections((connection) => ({
        listen(request, onDelivery) {
          const { channel, group } = request.source
          if (request.temporary || !isMain(request.source)) return connection.listen(request, onDelivery)
          if (!first.has(channel)) first.set(channel, group)
          return connection.listen({ ...request, source: { channel, group: first.get(channel)! } }, onDelivery)
        },
      }))(driver)
    },
    red: {
      'IDM-10': /nothing is left of shipping: not within/,
    },
  },
  {
    name: 'only-the-first-member-gets-messages',
    story: 'Gives everything to the first listener of a group; a single active consumer where none was asked for.',
    wrap: listeners((connection, request, onDelivery) => {
      const { channel, group } = request.source
      const name = `${channel}/${group}`
      if (taken.has(name) && isConsuming(request) && isMain(request.source))
        return Promise.resolve<Listener>({ drain: async () => {}, ended: never })
      taken.add(name)
      return connection.listen(request, onDelivery)
    }),
    red: {
      'TOP-04': /each member handles a tenth at least: [\d.]+,[\d.]+,[\d.]+/,
      'FLW-06/another member takes over': /other: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'resolves-listen-too-early',
    story: 'Answers listen before the subscription is there: what is sent in between is missed.',
    wrap: listeners(async (connection, request, onDelivery) => {
      if (!isConsuming(request)) return connection.listen(request, onDelivery)
      const listening = pause(100).then(() => connection.listen(request, onDelivery))
      return {
        drain: async () => (await listening).drain(),
        ended: listening.then(({ ended }) => ended),
      }
    }),
    red: {
      'FLW-06/a broadcast': /broadcast: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'keeps-temporary-groups',
    story: 'Makes temporary groups like any other, and leaves them behind.',
    wrap: listeners(async (connection, { temporary, ...request }, onDelivery) => {
      const { channel, group } = request.source
      if (temporary) {
        const groups = [{ name: group, delaysMs: [] }]
        await connection.provision({ channels: [{ name: channel, keyed: request.order === 'key', groups }] }, 'create')
      }
      return connection.listen(request, onDelivery)
    }),
    red: {
      'TOP-05': /only .+,.+\/audit,.+\/audit\/dead left: no/,
      'TOP-05/after a crash': /the broker removes it: not within/,
    },
  },
  {
    name: 'shares-temporary-groups',
    story: 'Gives all instances of a broadcast one group.',
    wrap: listeners((connection, request, onDelivery) => {
      const { channel, group } = request.source
      if (!request.temporary) return connection.listen(request, onDelivery)
      const shared = temporary.get(channel)
      if (shared === undefined) {
        temporary.set(channel, group)
        return connection.listen(request, onDelivery)
      }
      const { temporary: _, ...rest } = request
      return connection.listen({ ...rest, source: { channel, group: shared } }, onDelivery)
    }),
    red: {
      'TOP-14': /messages again: not within/,
    },
  },
  {
    name: 'starts-at-the-newest-message',
    story: 'A group that was declared gets only what is sent after its first listener came.',
    wrap: connections((connection) => ({
      async listen(request, onDelivery) {
        let isNew = isConsuming(request) && isMain(request.source)
        setTimeout(() => (isNew = false), 30)
        return connection.listen(request, async (delivery) => (isNew ? { kind: 'accept' } : onDelivery(delivery)))
      },
    })),
    red: {
      'TOP-06': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'loses-its-subscriptions-on-reconnect',
    story: 'Listens in the first connection of a process only; a second one is silent.',
    wrap: (driver) => {
      let epochs = 0
      return connections((_, { role }) => {
        const isFirst = role === 'send' || ++epochs === 1
        return isFirst ? {} : { listen: async () => ({ drain: async () => {}, ended: never }) }
      })(driver)
    },
    red: {
      'SET-11': /the sixth: not within/,
    },
  },
  {
    name: 'hides-that-the-connection-was-lost',
    story: 'Does not report a lost connection.',
    wrap: deafTo('lost'),
    red: {
      'ORD-06/of sends that fail before later ones': /all sends: not within/,
    },
  },
  {
    name: 'hides-that-a-listener-ended',
    story: 'Does not tell that the broker cancelled a consumer.',
    wrap: listeners(async (connection, request, onDelivery) => {
      const listener = await connection.listen(request, onDelivery)
      return { drain: () => listener.drain(), ended: isConsuming(request) ? never : listener.ended }
    }),
    red: {
      'FLT-07': /what is sent is handled again: not within/,
    },
  },
]

/** By groups that have had a listener, over all drivers. */
const taken = new Set<string>()
/** The first temporary group of each channel, over all drivers. */
const temporary = new Map<string, string>()
