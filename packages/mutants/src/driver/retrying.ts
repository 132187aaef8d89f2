import type { Outgoing } from '@waybill/core/driver'
import { connections, isMain, pause, sends } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

const attempt = 'waybill-attempt'

/** Drivers that delay, copy and dead-letter wrongly. */
export const retrying: readonly DriverMutant[] = [
  {
    name: 'drops-on-retry',
    story: 'Confirms and forgets the copy that a retry is; a delay queue without a binding.',
    wrap: sends((connection, to, batch, done) => {
      if (to.group === undefined || !isMain(to)) return connection.send(to, batch, done)
      for (const index of batch.keys()) done(index)
    }),
    red: {
      'SET-03': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'forgets-the-delay',
    story: 'Sends delayed messages at once.',
    wrap: sends((connection, to, batch, done) =>
      connection.send(
        to,
        batch.map(({ message }) => ({ message })),
        done,
      ),
    ),
    red: {
      'SET-04': /[\d.]+ ms asked, [\d.]+ ms waited/,
    },
  },
  {
    name: 'delays-in-whole-seconds',
    story: 'Rounds delays up to the next ten seconds.',
    wrap: sends((connection, to, batch, done) => connection.send(to, batch.map(rounded), done)),
    red: {
      'RTY-13/while they wait': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'keeps-delays-in-the-process',
    story: 'Confirms a delayed message at once and sends it when its time has come, if the connection is still open.',
    wrap: sends((connection, to, batch, done) => {
      for (const [index, { message, delayMs = 0 }] of batch.entries()) {
        if (delayMs === 0) {
          connection.send(to, [{ message }], (_, failure) => done(index, failure))
          continue
        }
        done(index)
        void pause(delayMs).then(() => connection.send(to, [{ message }], () => {}))
      }
    }),
    red: {
      'RTY-14': /billing: [\d.]+ messages handled: not within/,
    },
  },
  {
    name: 'delays-in-one-queue',
    story: 'Keeps all delayed messages in one line: a long delay holds up the short ones behind it.',
    wrap: connections((connection) => {
      let freeAtMs = 0
      return {
        send: (to, batch, done) =>
          connection.send(
            to,
            batch.map((each) => {
              if (each.delayMs === undefined) return each
              freeAtMs = Math.max(freeAtMs, performance.now() + each.delayMs)
              return { ...each, delayMs: Math.ceil(freeAtMs - performance.now()) }
            }),
            done,
          ),
      }
    }),
    red: {
      'SET-04/a long delay does not hold up a short one': /[\d.]+ ms asked, [\d.]+ ms waited/,
    },
  },
  {
    name: 'retries-through-the-shared-channel',
    story: 'Sends a retry to the channel, so that every group gets it.',
    wrap: sends((connection, to, batch, done) =>
      connection.send(to.group !== undefined && isMain(to) ? { channel: to.channel } : to, batch, done),
    ),
    red: {
      'SET-06': /actual - expected[\s\S]*\+   2/,
    },
  },
  {
    name: 'drops-dead-letters',
    story: 'Confirms dead letters and stores none; a dead-letter exchange that is not there.',
    wrap: sends((connection, to, batch, done) => {
      if (to.lane !== 'dead') return connection.send(to, batch, done)
      for (const index of batch.keys()) done(index)
    }),
    red: {
      'RTY-07/of a dead letter that somebody put back as it was': /[\d.]+ dead letters of billing: not within/,
    },
  },
  {
    name: 'dead-letters-twice',
    story: 'Sends each dead letter a second time; a resend because a confirm was late.',
    wrap: sends((connection, to, batch, done) => {
      if (to.lane === 'dead') connection.send(to, batch, () => {})
      connection.send(to, batch, done)
    }),
    red: {
      'RTY-12/one in a hundred': /each poison once among the dead letters/,
    },
  },
  {
    name: 'swallows-a-dead-letter-failure',
    story: 'Confirms a dead letter that the broker refused.',
    wrap: sends((connection, to, batch, done) =>
      connection.send(to, batch, to.lane === 'dead' ? (index) => done(index) : done),
    ),
    red: {
      'RTY-08/and the process dies of it': /the heir runs it: not within/,
    },
  },
  {
    name: 'strips-failure-records',
    story: 'Leaves the failure record out of the dead letter; x-death is thought to be enough.',
    wrap: sends((connection, to, batch, done) =>
      connection.send(to, to.lane === 'dead' ? batch.map(bare) : batch, done),
    ),
    red: {
      'RTY-07': /actual - expected[\s\S]*\+ \[\][\s\S]*- \[/,
    },
  },
  {
    name: 'resets-the-attempt',
    story: 'Does not write the attempt into a copy.',
    wrap: sends((connection, to, batch, done) => connection.send(to, batch.map(withoutAttempt), done)),
    red: {
      'SET-02': /billing: [\d.]+ messages handled: not within/,
    },
  },
]

function rounded(outgoing: Outgoing): Outgoing {
  const { delayMs = 0 } = outgoing
  return delayMs > 0 ? { ...outgoing, delayMs: Math.ceil(delayMs / 10_000) * 10_000 } : outgoing
}

function without(outgoing: Outgoing, drops: (name: string) => boolean): Outgoing {
  const { message } = outgoing
  const kept = Object.entries(message.headers).filter(([name]) => !drops(name))
  return { ...outgoing, message: { ...message, headers: Object.assign(Object.create(null), Object.fromEntries(kept)) } }
}

function bare(outgoing: Outgoing): Outgoing {
  return without(outgoing, (name) => name.startsWith('waybill-failure-'))
}

function withoutAttempt(outgoing: Outgoing): Outgoing {
  return without(outgoing, (name) => name === attempt)
}
