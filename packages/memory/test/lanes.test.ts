import { bytes, channel, connect, type Messaging } from '@waybill/core'
import {
  MessagingError,
  type Driver,
  type DriverConnection,
  type Listener,
  type ListenRequest,
} from '@waybill/core/driver'
import { afterEach, expect, test } from 'vitest'
import { memory } from '../src/index.ts'

type Listen = (request: ListenRequest, listen: () => Promise<Listener>) => Promise<Listener>

const orders = channel('orders', { schema: bytes, groups: ['billing'] })
const retry = { maxAttempts: 3, delaysMs: [10, 20] }
let messaging: Messaging | undefined
afterEach(() => messaging?.close())

/** A broker with delay lanes, and `listen` in between. */
function laned(listen: Listen): Driver {
  const driver = memory({ profile: 'lanes' })
  const wrapped = (connection: DriverConnection): DriverConnection => ({
    provision: (topology, mode) => connection.provision(topology, mode),
    send: (to, batch, done) => connection.send(to, batch, done),
    inspect: (address, signal) => connection.inspect(address, signal),
    close: () => connection.close(),
    listen: (request, onDelivery) => listen(request, () => connection.listen(request, onDelivery)),
  })
  const { specVersion, system, capabilities, classify } = driver
  return {
    specVersion,
    system,
    capabilities,
    classify,
    connect: async (context) => wrapped(await driver.connect(context)),
  }
}

test('all lanes of a consumer are asked for before the first is there', async () => {
  const asked: string[] = []
  const all = Promise.withResolvers<void>()
  const driver = laned(async ({ source: { lane = 'main' } }, listen) => {
    if (asked.push(lane) === 3) all.resolve()
    await all.promise
    return listen()
  })
  messaging = await connect({ connections: { main: driver }, channels: { '*': 'main' } })
  await messaging.consume(orders, { group: 'billing', retry }, async () => {})
  expect(asked).toEqual(['main', 'delay.10', 'delay.20'])
})

test('a lane that cannot be listened to is tried again, the others are not listened to twice', async () => {
  const asked: string[] = []
  const driver = laned(async ({ source: { lane = 'main' } }, listen) => {
    asked.push(lane)
    if (lane === 'delay.10' && asked.length <= 3) throw new MessagingError('unavailable', 'not yet')
    return listen()
  })
  messaging = await connect({ connections: { main: driver }, channels: { '*': 'main' } })
  const runs: number[] = []
  const done = Promise.withResolvers<void>()
  await messaging.consume(orders, { group: 'billing', retry }, async (_, { attempt }) => {
    runs.push(attempt)
    if (attempt < 3) throw new Error('planted')
    done.resolve()
  })
  expect(asked).toEqual(['main', 'delay.10', 'delay.20', 'delay.10'])
  await messaging.send(orders, new Uint8Array(1))
  await done.promise
  expect(runs).toEqual([1, 2, 3])
})
