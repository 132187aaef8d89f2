import { wrapDriver } from '@waybill/conformance'
import type { Outgoing } from '@waybill/core/driver'
import { connections, deafTo, pause, sends } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

/** Drivers that lie about what they sent, or send something else. */
export const sending: readonly DriverMutant[] = [
  {
    name: 'resolves-send-before-the-confirm',
    story: 'Answers a send when it is written to the socket; clients without publisher confirms.',
    wrap: sends((connection, to, batch, done) => {
      void pause(30).then(() => connection.send(to, batch, () => {}))
      for (const index of batch.keys()) done(index)
    }),
    red: {
      'SND-01': /what the broker has as soon as send resolves/,
      'SND-02': /expected a rejection with unavailable,timeout,failedPrecondition,permissionDenied, but it/,
    },
  },
  {
    name: 'takes-a-refusal-for-a-confirm',
    story: 'Treats a negative confirm like a positive one; a confirm callback that ignores its error.',
    wrap: sends((connection, to, batch, done) => connection.send(to, batch, (index) => done(index))),
    red: {
      'SND-10': /expected a rejection with notFound,unroutable, but it resolved with \{ id:/,
    },
  },
  {
    name: 'never-confirms',
    story: 'Loses the confirm of every 10th message of a batch; an off-by-one in the window of delivery tags.',
    wrap: sends((connection, to, batch, done) =>
      connection.send(to, batch, (index, failure) => {
        if (index % 10 !== 9) done(index, failure)
      }),
    ),
    red: {
      'SND-05': /rejection with invalidArgument: not within/,
    },
  },
  {
    name: 'reorders-a-batch',
    story: 'Sends the entries of a batch last first; parallel requests per entry.',
    wrap: sends((connection, to, batch, done) => {
      for (const [index, entry] of [...batch.entries()].reverse())
        connection.send(to, [entry], (_, failure) => done(index, failure))
    }),
    red: {
      'SND-04': /the order of key k[\d.]+ at the broker/,
      'ORD-04': /the runs of k[\d.]+: nothing passes a message that is retried/,
    },
  },
  {
    name: 'lets-keyed-sends-overtake',
    story: 'Waits a little with every second batch; sends spread over two sockets.',
    wrap: connections((connection) => {
      let batches = 0
      return {
        send(to, batch, done) {
          if (++batches % 2 === 0) connection.send(to, batch, done)
          else void pause(20).then(() => connection.send(to, batch, done))
        },
      }
    }),
    red: {
      'SND-04': /the order of key k[\d.]+ at the broker/,
      'ORD-01': /the order in which k[\d.]+ was handled/,
    },
  },
  {
    name: 'sends-twice',
    story: 'Sends each message twice; a retry below the driver that does not wait for the first answer.',
    wrap: sends((connection, to, batch, done) => {
      connection.send(to, batch, () => {})
      connection.send(to, batch, done)
    }),
    red: {
      'SND-06': /^each once/,
      'TOP-02': /^no group gets more|^402 !== 201$/m,
      'RDR-08': /^one interruption makes no more than one copy more/,
    },
  },
  {
    name: 'takes-oversize-silently',
    story: 'Confirms and drops what the broker would refuse for its size, and declares twice the limit.',
    wrap: (driver) => {
      const { maxBodyBytes } = driver.capabilities
      const dropping = sends((connection, to, batch, done) => {
        for (const [index, entry] of batch.entries()) {
          if (bytesOf(entry) > maxBodyBytes) done(index)
          else connection.send(to, [entry], (_, failure) => done(index, failure))
        }
      })
      return wrapDriver(dropping(driver), { capabilities: { ...driver.capabilities, maxBodyBytes: 2 * maxBodyBytes } })
    },
    red: {
      'SND-07': /^the bytes that the broker has/,
    },
  },
  {
    name: 'cuts-large-bodies',
    story: 'Cuts bodies at 256 KiB; a frame limit met by truncation.',
    wrap: sends((connection, to, batch, done) =>
      connection.send(
        to,
        batch.map((each) => ({ ...each, message: { ...each.message, body: each.message.body?.subarray(0, 262_144) } })),
        done,
      ),
    ),
    red: {
      'MSG-01': /the body handled, [\d.]+ bytes/,
    },
  },
  {
    name: 'resends-by-itself-at-the-tail',
    story:
      'Repeats a failed send by itself, behind the ones that came later; client libraries with a retry of their own.',
    wrap: sends((connection, to, batch, done) => {
      const attempt = (index: number, entry: Outgoing): void =>
        connection.send(to, [entry], (_, failure) => {
          if (failure === undefined) done(index)
          else void pause(50).then(() => attempt(index, entry))
        })
      for (const [index, entry] of batch.entries()) attempt(index, entry)
    }),
    red: {
      'SND-03': /^rejection with unroutable: not within/,
    },
  },
  {
    name: 'loses-buffered-sends-on-close',
    story: 'Confirms into a buffer that is written every 20 ms, and drops it on close; linger without flush.',
    wrap: connections((connection) => {
      let buffer: (() => void)[] = []
      const timer = setInterval(() => {
        for (const write of buffer.splice(0)) write()
      }, 20)
      return {
        send(to, batch, done) {
          buffer.push(() => connection.send(to, batch, () => {}))
          for (const index of batch.keys()) done(index)
        },
        close() {
          clearInterval(timer)
          buffer = []
          return connection.close()
        },
      }
    }),
    red: {
      'SND-14': /actual - expected[\s\S]*\+ \[\][\s\S]*- \[/,
    },
  },
  {
    name: 'ignores-that-the-broker-blocks',
    story: 'Does not pass on that the broker asks senders to wait.',
    wrap: deafTo('blocked'),
    red: {
      'SND-11': /nothing is handed to a driver whose broker blocks/,
    },
  },
  {
    name: 'waits-to-send-until-deliveries-are-settled',
    story: 'Sends nothing while a delivery is unsettled; one lock for both directions.',
    wrap: (driver) => {
      let open = 0
      const whenIdle = async (): Promise<void> => {
        while (open > 0) await pause(5)
      }
      return connections((connection) => ({
        send: (to, batch, done) => void whenIdle().then(() => connection.send(to, batch, done)),
        listen: (request, onDelivery) =>
          connection.listen(request, (delivery) => {
            open++
            return onDelivery(delivery).finally(() => open--)
          }),
      }))(driver)
    },
    red: {
      'SND-13': /[\d.]+ messages relayed: not within/,
    },
  },
  {
    name: 'calls-every-error-permanent',
    story: 'Classifies every failure as a fault of the program; adapters that know two kinds of errors.',
    wrap: (driver) => wrapDriver(driver, { classify: () => 'internal' }),
    red: {
      'TOP-09': /expected failedPrecondition, got internal: cannot provision .+: group/,
    },
  },
  {
    name: 'calls-every-error-temporary',
    story: 'Classifies every failure as passing; adapters that retry everything.',
    wrap: (driver) => wrapDriver(driver, { classify: () => 'unavailable' }),
    red: {
      'TOP-09': /rejection with failedPrecondition: not within/,
    },
  },
  {
    name: 'batches-without-limit',
    story: 'Declares that batches may have any size, and loses what the broker cuts off.',
    wrap: (driver) => {
      const { send } = driver.capabilities
      const capabilities = { ...driver.capabilities, send: { ...send, maxBatch: 100_000 } }
      const cutting = sends((connection, to, batch, done) => {
        connection.send(to, batch.slice(0, send.maxBatch), done)
        for (let index = send.maxBatch; index < batch.length; index++) done(index)
      })
      return wrapDriver(cutting(driver), { capabilities })
    },
    red: {
      'SND-06': /each message/,
    },
  },
]

function bytesOf({ message }: Outgoing): number {
  return message.body?.byteLength ?? 0
}
