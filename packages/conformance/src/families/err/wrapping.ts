import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { inspect } from 'node:util'
import { MessagingError, type Driver, type MessagingEvent } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { item, items } from '../../item.ts'
import { wrapConnection, wrapConnections, wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'

class ClientError extends Error {
  readonly replyCode = 541
}

/** What a client library throws reaches the application once wrapped, and whole. */
export const wrapping: readonly Behaviour[] = [
  {
    id: 'ERR-02',
    async run(kit) {
      const planted = new ClientError('planted by the client library')
      const classify = (driver: Driver): Driver =>
        wrapDriver(driver, { classify: (error) => (error === planted ? 'permissionDenied' : driver.classify(error)) })
      const refusing = (driver: Driver): Driver => wrapDriver(driver, { connect: () => Promise.reject(planted) })
      const orders = kit.channel([group])
      const errors = {
        connect: await kit.expectRejection(
          'permissionDenied',
          kit.connect({ wrap: (driver) => refusing(classify(driver)) }),
        ),
        provision: await provisionFailure(),
        send: await sendFailure(),
      }
      for (const [where, error] of Object.entries(errors)) {
        equal(error.cause, planted, `${where}: the cause is the very error`)
        equal(error.system, kit.driver().system, where)
        equal(error.message.split(planted.message).length, 2, `${where}: its text once in: ${error.message}`)
        ok(error.message.length > planted.message.length + 5, `${where}: and what failed: ${error.message}`)
        ok(error instanceof Error && /planted/.test(inspect(error)), where)
      }

      async function provisionFailure(): Promise<MessagingError> {
        const wrap = (driver: Driver): Driver =>
          wrapConnections(classify(driver), (connection) =>
            wrapConnection(connection, { provision: () => Promise.reject(planted) }),
          )
        const messaging = await kit.connect({ wrap })
        return kit.expectRejection('permissionDenied', messaging.producer(orders))
      }

      async function sendFailure(): Promise<MessagingError> {
        const wrap = (driver: Driver): Driver =>
          wrapConnections(classify(driver), (connection) =>
            wrapConnection(connection, {
              send: (_, batch, done) =>
                batch.forEach((__, index) => void done(index, { error: planted, outcome: 'notSent' })),
            }),
          )
        const messaging = await kit.connect({ wrap })
        const all = await kit.expectRejection('permissionDenied', messaging.sendAll(orders, items(3)))
        deepEqual(
          all.failures?.map(({ index, error }) => [index, error.cause]),
          [0, 1, 2].map((n) => [n, planted]),
        )
        return kit.expectRejection('permissionDenied', messaging.send(orders, item()))
      }
    },
  },
  {
    id: 'ERR-02',
    part: 'already wrapped',
    async run(kit) {
      const planted = new MessagingError('failedPrecondition', 'already one of ours')
      const orders = kit.channel([group])
      const wrap = (driver: Driver): Driver =>
        wrapConnections(driver, (connection) =>
          wrapConnection(connection, {
            send: (_, batch, done) =>
              batch.forEach((__, index) => void done(index, { error: planted, outcome: 'notSent' })),
          }),
        )
      const messaging = await kit.connect({ wrap })
      const error = await kit.expectRejection('failedPrecondition', messaging.send(orders, item()))
      equal(error, planted)
    },
  },
  {
    id: 'ERR-02',
    part: 'of the application',
    async run(kit) {
      const events: MessagingEvent[] = []
      const planted = new ClientError('planted by the handler')
      const orders = kit.channel([group])
      const messaging = await kit.connect({ onEvent: (event) => void events.push(event) })
      const runs = kit.record(group)
      const handler = runs.handler(async () => {
        throw planted
      })
      await messaging.consume(orders, { group, retry: { maxAttempts: 1, delaysMs: [] } }, handler)
      await messaging.send(orders, item())
      const told = await kit.eventually('the event', () => events.find(({ type }) => type === 'deadLettered'))
      equal(told.error, planted, 'what a handler throws is not wrapped at all')
      const [letter] = await kit.probe.readDeadLetters(orders.name, group)
      equal(letter?.headers['waybill-failure-type'], 'ClientError')
      match(letter?.headers['waybill-failure-message'] ?? '', /^planted by the handler$/)
    },
  },
]
