import type { Settlement } from '@waybill/core/driver'
import { altered, connections, deafTo, heldForever, isMain, listeners, pause, settlements } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

const accept: Settlement = { kind: 'accept' }
const attempt = 'waybill-attempt'
/** What settles a delivery, by its group and its number on the present connection. */
const byTag = new Map<string, (settlement: Settlement) => void>()

/** Drivers that settle too early, too late, or something else than was decided. */
export const settling: readonly DriverMutant[] = [
  {
    name: 'accepts-before-the-handler-ends',
    story: 'Acknowledges on receipt; auto-acknowledge.',
    wrap: settlements(async () => accept),
    red: {
      'SET-08': /heir: [\d.]+ messages handled: not within/,
      'SET-09': /dying: [\d.]+ runs: not within/,
      'SET-13': /heir: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'never-accepts',
    story: 'Forgets to acknowledge; the message comes back after the connection.',
    wrap: settlements(async (settlement) => {
      const settled = await settlement
      return settled.kind === 'accept' ? new Promise(() => {}) : settled
    }),
    red: {
      'SET-01': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'duplicates-forever',
    story: 'Gives back what was accepted; a visibility timeout that nobody ends.',
    wrap: settlements(async (settlement) => {
      const settled = await settlement
      if (settled.kind === 'accept') await pause(20)
      return { kind: 'release' }
    }),
    red: {
      'SET-01': /billing: [\d.]+ messages handled: not within/,
      'SET-02': /actual - expected[\s\S]*\+   1/,
      'RTY-01': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'drops-on-release',
    story: 'Acknowledges what is given back; requeue: false.',
    wrap: settlements(async (settlement) => {
      const settled = await settlement
      return settled.kind === 'release' ? accept : settled
    }),
    red: {
      'RDR-09': /actual - expected[\s\S]*\+   redriven: 0[\s\S]*-   redriven: 1/,
    },
  },
  {
    name: 'keeps-what-is-released',
    story: 'Gives messages back only when the connection closes.',
    wrap: settlements(async (settlement) => {
      const settled = await settlement
      return settled.kind === 'release' ? new Promise(() => {}) : settled
    }),
    red: {
      'SET-07': /round [\d.]+: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'releases-late',
    story: 'Gives a message back after a second; a negative acknowledgement delay.',
    wrap: settlements(async (settlement) => {
      const settled = await settlement
      if (settled.kind === 'release') await pause(4_000)
      return settled
    }),
    red: {
      'FLW-06/resumed while what it had still runs': /billing: [\d.]+ messages handled: not within/,
      'FLW-06/in order': /billing: [\d.]+ runs: not within/,
    },
  },
  {
    name: 'counts-a-release-as-an-attempt',
    story: 'Gives a message back as a copy with one attempt more.',
    wrap: connections((connection) => ({
      listen: (request, onDelivery) =>
        connection.listen(request, async (delivery) => {
          const settled = await onDelivery(delivery)
          if (settled.kind !== 'release' || !isMain(request.source) || request.intent === 'browse') return settled
          const before = Number(delivery.message.headers[attempt] ?? 0)
          const headers = { ...delivery.message.headers, [attempt]: String(before + 1) }
          Object.setPrototypeOf(headers, null)
          connection.send(request.source, [{ message: { ...delivery.message, headers } }], () => {})
          return accept
        }),
    })),
    red: {
      'LIF-05': /an aborted run counts no attempt/,
    },
  },
  {
    name: 'commits-the-highest-offset',
    story: 'Settles all earlier deliveries with each one; auto-commit of the last offset.',
    wrap: listeners((connection, request, onDelivery) => {
      let open: (() => void)[] = []
      return connection.listen(
        request,
        (delivery) =>
          new Promise((resolve) => {
            const settle = (): void => resolve(accept)
            open.push(settle)
            void onDelivery(delivery).then((settled) => {
              resolve(settled)
              const index = open.indexOf(settle)
              for (const each of open.slice(0, Math.max(index, 0))) each()
              open = open.slice(index + 1)
            })
          }),
      )
    }),
    red: {
      'SET-12': /half are settled: not within/,
    },
  },
  {
    name: 'merges-settlements-of-one-tick',
    story: 'Settles all that is settled in one tick like the last of them; "multiple" on a mixed run of tags.',
    wrap: listeners((connection, request, onDelivery) => {
      const tick: ((settlement: Settlement) => void)[] = []
      let last: Settlement = accept
      const flush = (): void => {
        for (const resolve of tick.splice(0)) resolve(last)
      }
      return connection.listen(
        request,
        (delivery) =>
          new Promise((resolve) => {
            void onDelivery(delivery).then((settled) => {
              last = settled
              if (tick.push(resolve) === 1) setImmediate(flush)
            })
          }),
      )
    }),
    red: {
      'SET-16/accept beside release': /the released ones are back: not within/,
    },
  },
  {
    name: 'settles-a-neighbour',
    story: 'Settles the delivery that came before the one meant; a tag off by one.',
    wrap: listeners((connection, request, onDelivery) => {
      let before: ((settlement: Settlement) => void) | undefined
      return connection.listen(
        request,
        (delivery) =>
          new Promise((resolve) => {
            const other = before ?? resolve
            before = resolve
            void onDelivery(delivery).then((settled) => {
              other(settled)
              setTimeout(() => resolve(settled), 300)
            })
          }),
      )
    }),
    red: {
      'SET-12': /heir: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'settles-in-the-wrong-epoch',
    story: 'Settles by the number of the delivery on whatever connection there is now; delivery tags start at 1 again.',
    wrap: listeners((connection, request, onDelivery) => {
      const { channel, group } = request.source
      let tag = 0
      return connection.listen(request, (delivery) => {
        const name = `${channel}/${group}#${++tag}`
        return new Promise((resolve) => {
          byTag.set(name, resolve)
          void onDelivery(delivery).then((settled) => byTag.get(name)?.(settled))
        })
      })
    }),
    red: {
      'SET-15': /^six unsettled: not within/,
    },
  },
  {
    name: 'never-says-that-a-lease-is-lost',
    story: 'Does not tell that the broker took messages back.',
    wrap: listeners((connection, request, onDelivery) =>
      connection.listen(request, (delivery) => onDelivery(altered(delivery, { lease: heldForever }))),
    ),
    red: {
      'SET-15/lost': /'held' !== 'lost'/,
    },
  },
  {
    name: 'does-not-renew-its-lease',
    story: 'Lets the broker deliver again what is handled for longer than 300 ms; a lease without a heartbeat.',
    wrap: listeners((connection, request, onDelivery) =>
      connection.listen(request, async (delivery) => {
        const settling = onDelivery(delivery)
        const first = await Promise.race([settling, pause(300)])
        if (first !== undefined || request.intent === 'browse') return settling
        return onDelivery(delivery)
      }),
    ),
    red: {
      'SET-10': /actual - expected[\s\S]*\+   1/,
    },
  },
  {
    name: 'hides-failed-settlements',
    story: 'Swallows the error of a settlement that the broker refused.',
    wrap: deafTo('settleFailed'),
    red: {
      'SET-13/refused by the broker': /what failed is told: not within/,
    },
  },
]
