import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  attachBroker,
  type ContainerFaults,
  ensureEngine,
  type KafkaBroker,
  type StartedBroker,
  startBroker,
  startKafkaProxy,
  type TestCertificates,
  within,
} from '../src/index.ts'
import { kafkaRelease } from '../src/kafka-greeting.ts'
import { asAdmin, clientOf, credentials, newTopic, send, stored } from './kafka-clients.ts'

let started: StartedBroker<KafkaBroker>
let broker: Required<KafkaBroker>
let faults: ContainerFaults
let plain: Kafka
let certificates: TestCertificates

beforeAll(async () => {
  started = await startBroker('kafka')
  broker = (await attachBroker<'kafka'>(JSON.parse(JSON.stringify(started.description)))) as Required<KafkaBroker>
  ;({ faults, certificates } = broker)
  plain = clientOf(broker.url)
}, 300_000)
afterAll(() => started?.stop(), 60_000)

async function keepsWhatIsStored(during: () => Promise<void>): Promise<void> {
  const topic = await newTopic(plain)
  await send(plain, topic, ['still', 'here'])
  const { clusterId } = await asAdmin(plain, (admin) => admin.describeCluster())
  await during()
  expect((await asAdmin(plain, (admin) => admin.describeCluster())).clusterId).toBe(clusterId)
  expect(await stored(plain, topic)).toEqual(['still', 'here'])
}

test('states its version and serves clients at the address it tells them', async () => {
  expect(broker).toMatchObject({ name: 'kafka', version: expect.stringMatching(/^4\.\d+\.\d+$/) })
  const { brokers } = await asAdmin(plain, (admin) => admin.describeCluster())
  expect(brokers.map(({ host, port }) => `kafka://${host}:${port}`)).toEqual([broker.url])
})

test('lets a group be joined from the first moment on', async () => {
  const topic = await newTopic(plain)
  const consumer = plain.consumer({ groupId: 'the first', maxWaitTimeInMs: 100 })
  const joined = new Promise<void>((resolve, reject) => {
    consumer.on('consumer.group_join', () => resolve())
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
  })
  joined.catch(() => {})
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  await within('joining', 10_000, joined).finally(() => consumer.disconnect())
})

test('makes no topic that nobody asked for', async () => {
  await expect(send(plain, 'never-made', ['x'])).rejects.toThrow(/does not host this topic-partition/)
})

test('restarts on the same address and keeps what was confirmed', { timeout: 90_000 }, async () => {
  await keepsWhatIsStored(() => faults.restart())
})

test('is killed, starts again on the same address and keeps what was confirmed', { timeout: 90_000 }, async () => {
  await keepsWhatIsStored(() => faults.kill())
})

test('goes down until it is told to come up', { timeout: 90_000 }, async () => {
  await faults.down({ graceful: false })
  await expect(asAdmin(plain, (admin) => admin.listTopics())).rejects.toThrow(/ECONNREFUSED|ECONNRESET|closed/i)
  await faults.up()
  await asAdmin(plain, (admin) => admin.listTopics())
})

test('answers nothing while paused', { timeout: 30_000 }, async () => {
  await asAdmin(plain, async (admin) => {
    await faults.pause()
    const asked = admin.listTopics()
    await expect(within('an answer', 1_000, asked)).rejects.toThrow('took longer')
    await faults.unpause()
    await within('the answer', 5_000, asked)
  })
})

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
  'SASL %s: right credentials are let in, wrong ones are not',
  { timeout: 30_000 },
  async (mechanism) => {
    for (const url of [broker.saslUrl, broker.saslTlsUrl]) {
      const { username, password } = new URL(url)
      const ssl = url === broker.saslTlsUrl && { ca: [certificates.ca] }
      const right = clientOf(url, { ssl, sasl: credentials(mechanism, username, password) })
      await asAdmin(right, (admin) => admin.listTopics())
      const wrong = clientOf(url, { ssl, sasl: credentials(mechanism, username, 'wrong') })
      await expect(asAdmin(wrong, (admin) => admin.listTopics())).rejects.toThrow(/authentication/i)
    }
  },
)

test('TLS: the own listener is acceptable to who trusts the authority, and to nobody else', async () => {
  const ssl = { ca: [certificates.ca] }
  await asAdmin(clientOf(broker.tlsUrl, { ssl }), (admin) => admin.listTopics())
  await expect(asAdmin(clientOf(broker.tlsUrl, { ssl: true }), (admin) => admin.listTopics())).rejects.toThrow(
    /self-signed|unable to verify|UNABLE_TO/i,
  )
  const { hostname, port } = new URL(broker.tlsUrl)
  const socket = connectTls({ host: hostname, port: Number(port), ca: certificates.ca })
  await once(socket, 'secureConnect')
  expect(socket.authorized).toBe(true)
  socket.destroy()
})

test('through the proxy goes all that a client does, also in pieces of one byte', { timeout: 60_000 }, async () => {
  const topic = await newTopic(plain)
  await using proxy = await startKafkaProxy(broker.url)
  const own = clientOf(proxy.url(broker.url))
  const expectKept = async (): Promise<void> => {
    const { brokers } = await asAdmin(own, (admin) => admin.describeCluster())
    expect(brokers.map(({ port }) => port)).toEqual([proxy.port])
  }
  await expectKept()
  await send(own, topic, ['through'])
  proxy.slow({ chunkBytes: 1 })
  await expectKept()
  await send(own, topic, ['byte by byte'])
  proxy.slow(false)
  const producer = own.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'kept' }] })
  await proxy.refuse(true)
  proxy.cut()
  await expect(producer.send({ topic, messages: [{ value: 'lost' }] })).rejects.toThrow(/ECONNREFUSED|closed/i)
  await producer.disconnect()
  expect(await stored(plain, topic)).toEqual(['through', 'byte by byte', 'kept'])
})

test('a broker that somebody else runs has neither faults nor controls, and stop() leaves it alone', {
  timeout: 30_000,
}, async () => {
  try {
    for (const url of [broker.url, broker.tlsUrl, broker.saslUrl, broker.url.replace(/$/, ',127.0.0.1:1')]) {
      process.env.WAYBILL_KAFKA_URL = url
      const existing = await startBroker('kafka')
      expect(existing).toMatchObject({ url, version: broker.version.replace(/\.\d+$/, '') })
      expect(existing.faults).toBeUndefined()
      expect(existing.control).toBeUndefined()
      await existing.stop()
    }
    await asAdmin(plain, (admin) => admin.listTopics())
    process.env.WAYBILL_KAFKA_URL = 'kafka://user:hunter2@127.0.0.1:1'
    const refused = await startBroker('kafka').catch((thrown: unknown) => thrown)
    expect(refused).toMatchObject({ code: 'startFailed', message: expect.stringContaining('127.0.0.1:1') })
    expect(String(refused)).not.toContain('hunter2')
  } finally {
    delete process.env.WAYBILL_KAFKA_URL
  }
})

test('what does not speak Kafka is not taken for one', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await expect(kafkaRelease(`kafka://127.0.0.1:${port}`)).rejects.toThrow('does not speak Kafka')
  server.close()
})

test('leaves nothing behind', { timeout: 60_000 }, async () => {
  const { containerId = '' } = started.description
  const container = (await ensureEngine()).container.getById(containerId)
  const { Mounts } = await container.inspect()
  await started.stop()
  await expect(container.inspect()).rejects.toThrow(/no such container/i)
  const { Volumes } = await (await ensureEngine()).container.dockerode.listVolumes()
  const names = Volumes.map(({ Name }) => Name)
  expect(names.filter((name) => Mounts.some((mount) => mount.Name === name))).toEqual([])
  await started.stop()
})
