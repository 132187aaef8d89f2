import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { bytes, channel, MessagingError, type Channel, type Driver, type ErrorCode } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { Faults } from '../../faults.ts'
import { item, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { monotonicMs } from '../../time.ts'
import { countSends, wrapConnection, wrapConnections, wrapDriver } from '../../wrapped-driver.ts'

const group = 'billing'
const retryable: readonly ErrorCode[] = ['unavailable', 'timeout']

/** Each kind of failure has its code, and its text says what to do. */
export const codes: readonly Behaviour[] = [
  {
    id: 'ERR-01',
    async run(kit) {
      for (const [what, target] of badTargets) {
        const error = await kit.expectRejection('invalidArgument', kit.connect({ target: target as never }))
        match(
          error.message,
          /; \S|: did you mean|there are |expected |must |give /,
          `${what}: no hint in: ${error.message}`,
        )
        equal(error.retryable, false, what)
      }
      const missing = { connections: { main: { driver: '@waybill-conformance/no-such-adapter' } } }
      const error = await kit.expectRejection('notFound', kit.connect({ target: missing }))
      match(error.message, /npm install @waybill-conformance\/no-such-adapter/)
      const misspelt = await kit.expectRejection('invalidArgument', kit.connect({ waitForBrokerMS: 5 } as object))
      match(misspelt.message, /waitForBrokerMS.*waitForBrokerMs/s)
      throws(
        () => kit.driver({ driverOptions: { noSuchOption: 1 } }),
        (thrown) =>
          MessagingError.is(thrown) && thrown.code === 'invalidArgument' && /noSuchOption/.test(thrown.message),
        'an unknown option of the adapter throws at once',
      )
    },
  },
  {
    id: 'ERR-01',
    part: 'what is asked',
    async run(kit) {
      const counter = countSends()
      const orders = kit.channel([group])
      const messaging = await kit.connect({ wrap: counter.wrap })
      await messaging.producer(orders)
      const handler = async (): Promise<void> => {}
      const anything = orders as Channel<any>
      const asks: readonly (readonly [string, RegExp, () => Promise<unknown>])[] = [
        [
          'a misspelt option of consume',
          /concurency.*concurrency/s,
          () => messaging.consume(anything, { group, concurency: 5 } as never, handler),
        ],
        [
          'a misspelt option of send',
          /timeoutMS.*timeoutMs/s,
          () => messaging.send(orders, item(), { timeoutMS: 5 } as object),
        ],
        ['an unknown group', /shiping.*billing/s, () => messaging.consume(anything, { group: 'shiping' }, handler)],
        ['no handler', /function/, () => messaging.consume(anything, { group }, undefined as never)],
        ['no concurrency', /concurrency/, () => messaging.consume(orders, { group, concurrency: 0 }, handler)],
        ['no channel', /channel\(\)/, () => messaging.send({ name: orders.name } as Channel<any>, item())],
        [
          'data that the schema refuses',
          /expected \{ n: number/,
          () => messaging.send(orders, { n: 'x' } as unknown as Item),
        ],
        ['no time', /timeoutMs/, () => messaging.send(orders, item(), { timeoutMs: Number.NaN })],
      ]
      for (const [what, text, ask] of asks) {
        const error = await kit.expectRejection('invalidArgument', ask())
        match(error.message, text, what)
      }
      equal(counter.handed, 0, 'messages that reached the driver')
      const large = channel(kit.name('large'), { schema: bytes, groups: [group] })
      const over = new Uint8Array(kit.capabilities.maxBodyBytes + 1)
      const tooLarge = await kit.expectRejection('tooLarge', messaging.send(large, over))
      match(tooLarge.message, new RegExp(`"${large.name}".*${kit.capabilities.maxBodyBytes}`, 's'))
      const absent = kit.channel([group])
      const verifying = await kit.connect({ channels: { [absent.name]: { provision: 'verify' } } })
      const notFound = await kit.expectRejection('notFound', verifying.producer(absent))
      match(notFound.message, new RegExp(absent.name))
      equal(notFound.channel, absent.name)
    },
  },
  {
    id: 'ERR-01',
    part: 'when',
    async run(kit) {
      const orders = kit.channel([group])
      const messaging = await kit.connect({
        wrap: (driver) => wrapConnections(driver, (connection) => wrapConnection(connection, { send: () => {} })),
      })
      const startedAt = monotonicMs()
      const timeout = await kit.expectRejection('timeout', messaging.send(orders, item(), { timeoutMs: 300 }))
      const tookMs = monotonicMs() - startedAt
      ok(tookMs >= 290 && tookMs <= 300 + kit.timings.toleranceMs, `timed out after ${tookMs} ms of 300 ms`)
      equal(timeout.retryable, true)
      const reason = new Error('the reason')
      const aborting = messaging.send(orders, item(), { signal: AbortSignal.abort(reason) })
      const aborted = await kit.expectRejection('aborted', aborting)
      equal(aborted.cause, reason, 'the reason of an abort is its cause')
      const limited = await kit.connect({
        wrap: (driver) => wrapDriver(driver, { capabilities: { ...driver.capabilities, order: 'none' } }),
      })
      await kit.expectUnsupported(limited.producer(kit.channel([group], { ordering: 'key' })))
      const closed = await kit.connect()
      await closed.close()
      await kit.expectRejection('closed', closed.send(orders, item()))
    },
  },
  unconnectable('wrong host', 'wrongHost', 'unavailable'),
  unconnectable('refused', 'refusedPort', 'unavailable'),
  unconnectable('bad credentials', 'badCredentials', 'unauthenticated'),
  {
    id: 'ERR-01',
    part: 'forbidden',
    needs: { faults: ['forbidden'] },
    async run(kit) {
      const driver = await kit.faults.forbidden()
      const orders = kit.channel([group])
      const using = async (): Promise<unknown> => (await kit.connect({ target: driver })).producer(orders)
      const error = await kit.expectRejection('permissionDenied', using())
      equal(error.retryable, false)
      deepEqual(await kit.probe.entities(orders.name), [], 'what was made all the same')
    },
  },
  {
    id: 'ERR-01',
    part: 'exists differently',
    needs: { faults: ['misdeclare'] },
    async run(kit) {
      const orders = kit.channel([group])
      await kit.faults.misdeclare({ channel: orders.name, group })
      const messaging = await kit.connect()
      const error = await kit.expectRejection('failedPrecondition', messaging.producer(orders))
      equal(error.retryable, false)
      match(error.message, new RegExp(orders.name))
      const other = kit.channel([group])
      await messaging.send(other, item())
    },
  },
]

const badTargets: readonly (readonly [string, unknown])[] = [
  ['an empty URL', ''],
  ['no URL', 'localhost'],
  ['an unknown scheme', 'pigeon://localhost'],
  ['a misspelt scheme', 'memry:'],
  ['a number', 5672],
  ['an empty configuration', {}],
  ['a misspelt part of a configuration', { conections: { main: 'memory:' } }],
  ['a misspelt adapter', { connections: { main: { driver: 'rabitmq' } } }],
  ['a channel of an unknown connection', { connections: { main: 'memory:' }, channels: { '*': 'man' } }],
  ['an unset variable', { connections: { main: { driver: 'memory', name: { env: 'WAYBILL_CONFORMANCE_NOT_SET' } } } }],
  ['a misspelt setting', { connections: { main: { driver: 'memory', nam: 'x' } } }],
]

/** A driver that cannot connect: typed, told once, and not tried for long when that is in vain. */
function unconnectable(part: string, fault: keyof Faults & `${string}`, code: ErrorCode): Behaviour {
  return {
    id: 'ERR-01',
    part,
    needs: { faults: [fault as never] },
    async run(kit) {
      const make = kit.faults[fault] as unknown as () => Driver | Promise<Driver>
      const error = await kit.expectRejection(code, kit.connect({ target: await make() }))
      equal(error.retryable, retryable.includes(code))
      match(error.message, /cannot connect/)
      match(error.message, /; \S/, `a hint is missing: ${error.message}`)
      ok(!MessagingError.is(error.cause) && error.cause !== undefined, 'the cause is what the client library threw')
      if (code !== 'unavailable') return
      await expectWait(kit, await make())
    },
  }
}

async function expectWait(kit: Kit, driver: Driver): Promise<void> {
  const startedAt = monotonicMs()
  await kit.expectRejection('unavailable', kit.connect({ target: driver, waitForBrokerMs: 400 }))
  ok(monotonicMs() - startedAt >= 390, 'unavailable is worth waiting for when told so')
}
