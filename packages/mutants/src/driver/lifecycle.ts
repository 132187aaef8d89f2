import { wrapDriver } from '@waybill/conformance'
import { connections, listeners, pause } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

/** Drivers that do not start or end as they should. */
export const lifecycle: readonly DriverMutant[] = [
  {
    name: 'resolves-drain-too-early',
    story: 'Writes acknowledgements 20 ms late, and ends a drain without those that are not written yet.',
    wrap: listeners(async (connection, request, onDelivery) => {
      let isDrained = false
      const listener = await connection.listen(request, async (delivery) => {
        const settled = await onDelivery(delivery)
        await pause(20)
        return isDrained ? { kind: 'release' } : settled
      })
      return {
        drain: async () => {
          isDrained = true
          void listener.drain()
        },
        ended: listener.ended,
      }
    }),
    red: {
      'SET-01/by the thousand, right before the end': /messages that came back/,
      'LIF-04': /what was finished does not come back: something changed within [\d.]+ ms/,
    },
  },
  {
    name: 'goes-on-after-drain',
    story: 'Drains without stopping: new deliveries keep coming.',
    wrap: listeners(async (connection, request, onDelivery) => {
      const listener = await connection.listen(request, onDelivery)
      return { drain: async () => {}, ended: listener.ended }
    }),
    red: {
      'LIF-08': /its messages wait for another member/,
    },
  },
  {
    name: 'never-ends-draining',
    story: 'Waits in drain for a confirmation that the broker never sends.',
    wrap: listeners(async (connection, request, onDelivery) => {
      const listener = await connection.listen(request, onDelivery)
      return { drain: () => listener.drain().then(() => new Promise(() => {})), ended: listener.ended }
    }),
    red: {
      'LIF-02': /all closes: not within/,
    },
  },
  {
    name: 'drains-its-neighbours',
    story: 'Ends all consumers of a connection with one of them; they share an amqp channel.',
    wrap: connections((connection) => {
      const all: { drain(): Promise<void> }[] = []
      return {
        async listen(request, onDelivery) {
          const listener = await connection.listen(request, onDelivery)
          all.push(listener)
          return {
            drain: async () => void (await Promise.all(all.map((each) => each.drain()))),
            ended: listener.ended,
          }
        },
      }
    }),
    red: {
      'LIF-08': /closing one: not within/,
    },
  },
  {
    name: 'never-disconnects',
    story: 'Hangs in close.',
    wrap: connections((connection) => ({
      close: async () => {
        await connection.close()
        await new Promise(() => {})
      },
    })),
    red: {
      'LIF-03/idle': /with nothing to wait for it took [\d.]+ ms/,
    },
  },
  {
    name: 'leaves-its-connection-open',
    story: 'Does nothing on close.',
    wrap: connections(() => ({ close: async () => {} })),
    red: {
      'SET-15': /all five again: not within/,
    },
  },
  {
    name: 'leaks-a-timer',
    story: 'Leaves the timer of its heartbeat running.',
    wrap: connections(() => {
      setInterval(() => {}, 60_000)
      return {}
    }),
    red: {
      'LIF-06/a failed start': /everything is released after close: not within/,
    },
  },
  {
    name: 'leaks-a-listener',
    story: 'Registers a handler on the process per connection and keeps it.',
    wrap: connections(() => {
      process.on('SIGUSR2', () => {})
      return {}
    }),
    red: {
      'LIF-06/a failed start': /everything is released after close: not within/,
    },
  },
  {
    name: 'leaves-a-failed-connection-behind',
    story: 'Opens a second connection when the first one fails to provision, and forgets the first.',
    wrap: connections((connection) => ({
      provision: (topology, mode) =>
        connection.provision(topology, mode).catch((error: unknown) => {
          setInterval(() => {}, 60_000)
          throw error
        }),
    })),
    red: {
      'TOP-09': /everything is released after close: not within/,
    },
  },
  {
    name: 'connects-once-only',
    story: 'Refuses the second connection of a driver; state of the first one that is never reset.',
    wrap: (driver) => {
      const seen = new Set<string>()
      return wrapDriver(driver, {
        connect: (context) => {
          if (seen.has(context.role)) return Promise.reject(new Error('already connected'))
          seen.add(context.role)
          return driver.connect(context)
        },
      })
    },
    red: {
      'ORD-06': /some are confirmed: not within/,
    },
  },
  {
    name: 'shares-state-between-instances',
    story: 'Keeps its connections in a global: the first one to close closes all.',
    wrap: connections((connection) => {
      everyConnection.push(connection)
      return {
        close: async () => {
          await Promise.all(everyConnection.splice(0).map((each) => each.close()))
        },
      }
    }),
    red: {
      'TOP-11': /cannot send to .+: this connection to the memory broker is closed/,
    },
  },
]

const everyConnection: { close(): Promise<void> }[] = []
