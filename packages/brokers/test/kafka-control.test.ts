import type { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  attachBroker,
  eventually,
  type KafkaBroker,
  type KafkaControl,
  type StartedBroker,
  startBroker,
  startKafkaProxy,
} from '../src/index.ts'
import { asAdmin, clientOf, credentials, newTopic, send, stored } from './kafka-clients.ts'

let started: StartedBroker<KafkaBroker>
let broker: Required<KafkaBroker>
let control: KafkaControl
let plain: Kafka

beforeAll(async () => {
  started = await startBroker('kafka')
  broker = (await attachBroker<'kafka'>(JSON.parse(JSON.stringify(started.description)))) as Required<KafkaBroker>
  control = broker.control
  plain = clientOf(broker.url)
}, 300_000)
afterAll(() => started?.stop(), 60_000)

test('a user: unknown, forbidden, allowed, forbidden again, deleted', { timeout: 90_000 }, async () => {
  const topic = await newTopic(plain)
  const [user, password] = ['app', 'sé/cret+@:']
  const own = ['scram-sha-256', 'scram-sha-512'].map((mechanism) =>
    clientOf(broker.saslUrl, { sasl: credentials(mechanism, user, password) }),
  )
  const refused = async (reason: RegExp): Promise<void> => {
    for (const each of own) await expect(send(each, topic, ['refused'])).rejects.toThrow(reason)
  }
  await refused(/authentication/i)
  await control.createUser(user, password)
  await refused(/not authorized/i)
  await control.allow(user)
  const open = own.map((each) => each.producer())
  for (const producer of open) {
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'allowed' }] })
  }
  await control.forbid(user)
  for (const producer of open) {
    await expect(producer.send({ topic, messages: [{ value: 'forbidden' }] })).rejects.toThrow(/not authorized/i)
    await producer.disconnect()
  }
  await control.deleteUser(user)
  await refused(/authentication/i)
  expect(await stored(plain, topic)).toEqual(['allowed', 'allowed'])
})

test('a topic refuses what its settings forbid, until they are taken back', { timeout: 60_000 }, async () => {
  const topic = await newTopic(plain)
  await control.setTopicConfig(topic, { 'max.message.bytes': '200', 'compression.type': 'producer' })
  await expect(send(plain, topic, ['x'.repeat(300)])).rejects.toThrow(/larger than the max/i)
  await send(plain, topic, ['fits'])
  await control.setTopicConfig(topic, { 'max.message.bytes': null })
  await send(plain, topic, ['x'.repeat(300)])
  expect(await stored(plain, topic)).toEqual(['fits', 'x'.repeat(300)])
})

test('an operator closes all connections, and lets clients in again', { timeout: 60_000 }, async () => {
  await using plain = await startKafkaProxy(broker.url)
  await using sasl = await startKafkaProxy(broker.saslUrl)
  const { username, password } = new URL(broker.saslUrl)
  const kafkas = [
    clientOf(plain.url(broker.url)),
    clientOf(sasl.url(broker.url), { sasl: credentials('plain', username, password) }),
  ]
  for (let round = 1; round <= 2; round++) {
    const admins = [...kafkas, ...kafkas].map((kafka) => kafka.admin())
    for (const admin of admins) await admin.connect()
    expect([plain.connections, sasl.connections]).toEqual([2, 2])
    await control.closeConnections()
    expect([plain.connections, sasl.connections]).toEqual([0, 0])
    for (const admin of admins) await admin.disconnect()
  }
  for (const kafka of kafkas) await asAdmin(kafka, (admin) => admin.listTopics())
})

test('compacts soon when told to', { timeout: 60_000 }, async () => {
  const topic = await newTopic(plain)
  await control.compactSoon(topic)
  for (const value of ['first', 'second', 'third', 'fourth']) {
    await send(plain, topic, [value])
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  const left = await eventually('compaction', 20_000, async () => {
    const values = await stored(plain, topic)
    return values.length < 4 ? values : undefined
  })
  expect(left.at(-1)).toBe('fourth')
})

test('a failing tool says what failed', { timeout: 30_000 }, async () => {
  await expect(control.tool('kafka.admin.NoSuchTool')).rejects.toMatchObject({
    code: 'commandFailed',
    message: expect.stringContaining('NoSuchTool'),
  })
})
