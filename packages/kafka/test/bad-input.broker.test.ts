import { type Item, item, itemChannel } from '@waybill/conformance'
import { connect, type Configuration } from '@waybill/core'
import { MessagingError } from '@waybill/core/driver'
import kafkajs, { type Message, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kafka } from '../src/index.ts'
import { freshName, until } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { kafkaAt } from './kafka-cluster.ts'

const { None, GZIP } = kafkajs.CompressionTypes
const bench = new Bench()
const group = 'group'
let foreign: Producer
beforeAll(async () => {
  foreign = kafkaAt(brokerUrl).producer({ allowAutoTopicCreation: false })
  await foreign.connect()
})
afterAll(async () => {
  await foreign.disconnect()
  await bench.close()
})

const connected = (partitions = 1) => connect(kafka({ url: brokerUrl, partitions }))
const good = (n: number): Message => ({ value: JSON.stringify(item(n)) })
const envelope = (value: string): Message => ({ value, headers: { 'content-type': 'application/cloudevents+json' } })

/** What nobody can read, or reads as something else than was agreed on. */
const garbage: readonly Message[] = [
  { value: Buffer.from([0xff, 0x00, 0xfe]) },
  { value: '' },
  { value: '{"n":"one"}' },
  envelope('{"specversion":"1.0",'),
  envelope('{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":1},"data_base64":"AA=="}'),
  { value: '[]', headers: { ce_specversion: '9', ce_id: '', ce_time: 'yesterday' } },
  { key: Buffer.from([0xc3, 0x28]), value: '[', headers: { 'waybill-attempt': '-1', constructor: 'x' } },
]

describe('garbage in the middle of a partition', () => {
  it('is dead-lettered with its bytes; what lies around it is handled in order, and the partition goes on', async () => {
    const name = freshName('garbage')
    const orders = itemChannel(name, [group])
    const messaging = await connected()
    await messaging.producer(orders)
    await foreign.send({ topic: name, messages: [good(1), ...garbage.slice(0, 3), good(2), ...garbage.slice(3)] })
    const more = [good(3), { value: 'no JSON' }, good(4)]
    for (const compression of [None, GZIP]) await foreign.send({ topic: name, messages: more, compression })
    const handled: number[] = []
    const note = async ({ n }: Item): Promise<void> => void handled.push(n)
    await messaging.consume(orders, { group, concurrency: 1 }, note)
    await messaging.send(orders, item(5))
    await until('nothing is left', async () => (await bench.committed(`${name}..${group}`, name))[0]?.[0] === '16')
    expect(handled).toEqual([1, 2, 3, 4, 3, 4, 5])
    const bad = [...garbage, { value: 'no JSON' }, { value: 'no JSON' }].map(({ value }) => String(value))
    expect((await bench.bodies(`${name}..${group}..dead`)).sort()).toEqual(bad.sort())
    await messaging.close()
  }, 60_000)
})

/** The code of what comes of it. */
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (MessagingError.is(error) ? error.code : String(error)),
  )

describe('typed is', () => {
  const nothing = async (): Promise<void> => {}

  it('a list of brokers of which none is one', async () => {
    expect(await codeOf(connect(kafka({ url: 'kafka://127.0.0.1:1,no-such-host.invalid:9092' })))).toBe('unavailable')
  })

  it('a topic that is not there, where none is to be made', async () => {
    const orders = itemChannel(freshName('missing'), [group])
    const main = { connection: 'main', provision: 'verify' } as const
    const configuration: Configuration = { connections: { main: kafka({ url: brokerUrl }) }, channels: { '*': main } }
    const messaging = await connect(configuration)
    expect(await codeOf(messaging.send(orders, item()))).toBe('notFound')
    expect(await codeOf(messaging.consume(orders, { group }, nothing))).toBe('notFound')
    await messaging.close()
  })

  it('a topic with fewer partitions than declared', async () => {
    const orders = itemChannel(freshName('narrow'), [group], { ordering: 'key' })
    await bench.makeTopic(orders.name, 2)
    const messaging = await connected(4)
    expect(await codeOf(messaging.send(orders, item()))).toBe('failedPrecondition')
    expect(await codeOf(messaging.consume(orders, { group }, nothing))).toBe('failedPrecondition')
    await messaging.close()
  })

  it('a message that is too large, and its neighbours arrive', async () => {
    const orders = itemChannel(freshName('large'), [group])
    const messaging = await connected()
    const handled: number[] = []
    const note = async ({ n }: Item): Promise<void> => void handled.push(n)
    await messaging.consume(orders, { group, concurrency: 1 }, note)
    const sends = [item(1), item(2, { text: 'x'.repeat(1_000_001) }), item(3)]
    expect(await Promise.all(sends.map((each) => codeOf(messaging.send(orders, each))))).toEqual([
      'none',
      'tooLarge',
      'none',
    ])
    await until('they are handled', () => handled.length === 2)
    expect(handled).toEqual([1, 3])
    await messaging.close()
  })
})
