import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '@waybill/core/driver'
import kafkajs from 'kafkajs'
import { afterAll, describe, expect, it } from 'vitest'
import { classify } from '../src/kafka-errors.ts'
import { KafkajsAdmin } from '../src/kafkajs-admin.ts'

const servers: Server[] = []
const clients: Socket[] = []
afterAll(() => {
  for (const client of clients) client.destroy()
  for (const server of servers) server.close()
})

/** https://kafka.apache.org/protocol#protocol_api_keys */
const keys = { metadata: 3, apiVersions: 18 }

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff])
const int32 = (value: number): Buffer => Buffer.concat([int16(value >>> 16), int16(value & 0xffff)])
const text = (value: string): Buffer => Buffer.concat([int16(value.length), Buffer.from(value)])
const list = (...items: Buffer[]): Buffer => Buffer.concat([int32(items.length), ...items])
const version = (key: number): Buffer => Buffer.concat([int16(key), int16(0), int16(0)])

/** A cluster of one broker, without topics. At each request for metadata it asks `isLeaving` whether to hang up instead. */
async function startBroker(isLeaving: () => boolean): Promise<kafkajs.Kafka> {
  const host = '127.0.0.1'
  const server = createServer((client) => {
    clients.push(client)
    client.on('error', () => {})
    client.on('data', (request) => {
      const isMetadata = request.readInt16BE(4) === keys.metadata
      if (isMetadata && isLeaving()) return client.end()
      const broker = Buffer.concat([int32(1), text(host), int32((server.address() as AddressInfo).port)])
      const versions = [int16(0), list(...Object.values(keys).map(version)), int32(0)]
      const body = Buffer.concat([request.subarray(8, 12), ...(isMetadata ? [list(broker), list()] : versions)])
      client.write(Buffer.concat([int32(body.length), body]))
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return new kafkajs.Kafka({
    brokers: [`${host}:${(server.address() as AddressInfo).port}`],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
  })
}

/** kafkajs asks twice for metadata: once for itself, and once for whoever asked it. */
const atSecondRequest = (): (() => boolean) => {
  let asked = 0
  return () => ++asked === 2
}

describe('a connection that ends while kafkajs asks for metadata', () => {
  it.each<[string, (admin: kafkajs.Admin) => Promise<unknown>, RegExp]>([
    ['of all topics', (admin) => admin.listTopics(), /Cannot destructure property 'topicMetadata'/],
    ['of some', (admin) => admin.fetchTopicMetadata({ topics: [] }), /null \(reading 'topicMetadata'\)/],
  ])('%s is unavailable, though kafkajs throws a TypeError', async (_, ask, said) => {
    const admin = (await startBroker(atSecondRequest())).admin()
    await admin.connect()
    const error = await ask(admin).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toMatch(said)
    expect(classify(error)).toBe('unavailable')
    await admin.disconnect()
  })

  it('is asked again', async () => {
    const kafka = await startBroker(atSecondRequest())
    const newKafka = () => ({ kafka, destroy: () => {} })
    const admin = new KafkajsAdmin({ newKafka, clock: systemClock, patienceMs: 2_000 })
    expect(await admin.listTopics()).toEqual([])
  })
})
