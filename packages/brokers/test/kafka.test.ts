import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Admin, Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  attachBroker,
  type ContainerFaults,
  ensureEngine,
  eventually,
  type KafkaBroker,
  type KafkaControl,
  type StartedBroker,
  startBroker,
  startKafkaProxy,
  type TestCertificates,
  within,
} from '../src/index.ts'
import { kafkaRelease } from '../src/kafka-greeting.ts'

let started: StartedBroker<KafkaBroker>
let broker: Required<KafkaBroker>
let faults: ContainerFaults
let control: KafkaControl
let certificates: TestCertificates

beforeAll(async () => {
  started = await startBroker('kafka')
  broker = (await attachBroker<'kafka'>(JSON.parse(JSON.stringify(started.description)))) as Required<KafkaBroker>
  ;({ faults, control, certificates } = broker)
}, 300_000)
afterAll(() => started?.stop(), 60_000)

function client(url = broker.url, options: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    brokers: [new URL(url).host],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    retry: { retries: 0 },
    ...options,
  })
}

async function asAdmin<T>(use: (admin: Admin) => Promise<T>, kafka = client()): Promise<T> {
  const admin = kafka.admin()
  try {
    await within('connecting', 10_000, admin.connect())
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

let topics = 0
async function newTopic(numPartitions = 1): Promise<string> {
  const topic = `topic-${topics++}`
  await asAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }))
  return topic
}

async function send(topic: string, values: readonly string[], kafka = client()): Promise<void> {
  const producer = kafka.producer()
  try {
    await within('connecting', 10_000, producer.connect())
    const messages = values.map((value) => ({ key: 'k', value }))
    await within('sending', 10_000, producer.send({ topic, acks: -1, messages }))
  } finally {
    await producer.disconnect()
  }
}

/** What a topic of one partition holds now, from its beginning. */
async function stored(topic: string): Promise<string[]> {
  const [end] = await asAdmin((admin) => admin.fetchTopicOffsets(topic))
  const last = Number(end?.high) - 1
  const consumer = client(broker.url, { retry: { retries: 5 } }).consumer({ groupId: `reader-${topics++}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const found: string[] = []
  const complete = new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => payload.restart || reject(payload.error))
    const eachMessage = async ({ message }: { message: { offset: string; value: Buffer | null } }): Promise<void> => {
      found.push(String(message.value))
      if (Number(message.offset) >= last) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await within('reading', 15_000, complete).finally(() => consumer.disconnect())
  return found
}

async function keepsWhatIsStored(during: () => Promise<void>): Promise<void> {
  const topic = await newTopic()
  await send(topic, ['still', 'here'])
  const { clusterId } = await asAdmin((admin) => admin.describeCluster())
  await during()
  expect((await asAdmin((admin) => admin.describeCluster())).clusterId).toBe(clusterId)
  expect(await stored(topic)).toEqual(['still', 'here'])
}

test('states its version and serves clients at the address it tells them', async () => {
  expect(broker).toMatchObject({ name: 'kafka', version: expect.stringMatching(/^4\.\d+\.\d+$/) })
  const { brokers } = await asAdmin((admin) => admin.describeCluster())
  expect(brokers.map(({ host, port }) => `kafka://${host}:${port}`)).toEqual([broker.url])
})

test('lets a group be joined from the first moment on', async () => {
  const topic = await newTopic()
  const consumer = client().consumer({ groupId: 'the first', maxWaitTimeInMs: 100 })
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
  await expect(send('never-made', ['x'])).rejects.toThrow(/does not host this topic-partition/)
})

test('restarts on the same address and keeps what was confirmed', { timeout: 90_000 }, async () => {
  await keepsWhatIsStored(() => faults.restart())
})

test('is killed, starts again on the same address and keeps what was confirmed', { timeout: 90_000 }, async () => {
  await keepsWhatIsStored(() => faults.kill())
})

test('goes down until it is told to come up', { timeout: 90_000 }, async () => {
  await faults.down({ graceful: false })
  await expect(asAdmin((admin) => admin.listTopics())).rejects.toThrow(/ECONNREFUSED|ECONNRESET|closed/i)
  await faults.up()
  await asAdmin((admin) => admin.listTopics())
})

test('answers nothing while paused', { timeout: 30_000 }, async () => {
  await asAdmin(async (admin) => {
    await faults.pause()
    const asked = admin.listTopics()
    await expect(within('an answer', 1_000, asked)).rejects.toThrow('took longer')
    await faults.unpause()
    await within('the answer', 5_000, asked)
  })
})

const credentials = (mechanism: string, username: string, password: string): SASLOptions =>
  ({ mechanism, username, password }) as SASLOptions

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
  'SASL %s: right credentials are let in, wrong ones are not',
  {
    timeout: 30_000,
  },
  async (mechanism) => {
    for (const url of [broker.saslUrl, broker.saslTlsUrl]) {
      const { username, password } = new URL(url)
      const ssl = url === broker.saslTlsUrl && { ca: [certificates.ca] }
      const right = client(url, { ssl, sasl: credentials(mechanism, username, password) })
      await asAdmin((admin) => admin.listTopics(), right)
      const wrong = client(url, { ssl, sasl: credentials(mechanism, username, 'wrong') })
      await expect(asAdmin((admin) => admin.listTopics(), wrong)).rejects.toThrow(/auth/i)
    }
  },
)

test('TLS: the own listener is acceptable to who trusts the authority, and to nobody else', async () => {
  const ssl = { ca: [certificates.ca] }
  await asAdmin((admin) => admin.listTopics(), client(broker.tlsUrl, { ssl }))
  await expect(asAdmin((admin) => admin.listTopics(), client(broker.tlsUrl, { ssl: true }))).rejects.toThrow(
    /self-signed|unable to verify|UNABLE_TO/i,
  )
  const { hostname, port } = new URL(broker.tlsUrl)
  const socket = connectTls({ host: hostname, port: Number(port), ca: certificates.ca })
  await once(socket, 'secureConnect')
  expect(socket.authorized).toBe(true)
  socket.destroy()
})

test('a user: unknown, forbidden, allowed, forbidden again, deleted', { timeout: 90_000 }, async () => {
  const topic = await newTopic()
  const [user, password] = ['app', 'sé/cret+@:']
  const own = ['scram-sha-256', 'scram-sha-512'].map((mechanism) =>
    client(broker.saslUrl, { sasl: credentials(mechanism, user, password) }),
  )
  const refused = async (reason: RegExp): Promise<void> => {
    for (const each of own) await expect(send(topic, ['refused'], each)).rejects.toThrow(reason)
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
  expect(await stored(topic)).toEqual(['allowed', 'allowed'])
})

test('a topic refuses what its settings forbid, until they are taken back', { timeout: 60_000 }, async () => {
  const topic = await newTopic()
  await control.setTopicConfig(topic, { 'max.message.bytes': '200', 'compression.type': 'producer' })
  await expect(send(topic, ['x'.repeat(300)])).rejects.toThrow(/larger than the max/i)
  await send(topic, ['fits'])
  await control.setTopicConfig(topic, { 'max.message.bytes': null })
  await send(topic, ['x'.repeat(300)])
  expect(await stored(topic)).toEqual(['fits', 'x'.repeat(300)])
})

test('an operator closes all connections, and lets clients in again', { timeout: 60_000 }, async () => {
  await using plain = await startKafkaProxy(broker.url)
  await using sasl = await startKafkaProxy(broker.saslUrl)
  const { username, password } = new URL(broker.saslUrl)
  const kafkas = [
    client(plain.url(broker.url)),
    client(sasl.url(broker.url), { sasl: credentials('plain', username, password) }),
  ]
  for (let round = 1; round <= 2; round++) {
    const admins = [...kafkas, ...kafkas].map((kafka) => kafka.admin())
    for (const admin of admins) await admin.connect()
    expect([plain.connections, sasl.connections]).toEqual([2, 2])
    await control.closeConnections()
    expect([plain.connections, sasl.connections]).toEqual([0, 0])
    for (const admin of admins) await admin.disconnect()
  }
  for (const kafka of kafkas) await asAdmin((admin) => admin.listTopics(), kafka)
})

test('compacts soon when told to', { timeout: 60_000 }, async () => {
  const topic = await newTopic()
  await control.compactSoon(topic)
  for (const value of ['first', 'second', 'third', 'fourth']) {
    await send(topic, [value])
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
  const left = await eventually('compaction', 20_000, async () => {
    const values = await stored(topic)
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

test('through the proxy goes all that a client does, also in pieces of one byte', { timeout: 60_000 }, async () => {
  const topic = await newTopic()
  await using proxy = await startKafkaProxy(broker.url)
  const own = client(proxy.url(broker.url))
  const expectKept = async (): Promise<void> => {
    const { brokers } = await asAdmin((admin) => admin.describeCluster(), own)
    expect(brokers.map(({ port }) => port)).toEqual([proxy.port])
  }
  await expectKept()
  await send(topic, ['through'], own)
  proxy.slow({ chunkBytes: 1 })
  await expectKept()
  await send(topic, ['byte by byte'], own)
  proxy.slow(false)
  const producer = own.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'kept' }] })
  await proxy.refuse(true)
  proxy.cut()
  await expect(producer.send({ topic, messages: [{ value: 'lost' }] })).rejects.toThrow(/ECONNREFUSED|closed/i)
  await producer.disconnect()
  expect(await stored(topic)).toEqual(['through', 'byte by byte', 'kept'])
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
    await asAdmin((admin) => admin.listTopics())
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
