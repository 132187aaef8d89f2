import { attachBroker } from '@waybill/brokers'
import { bytes, channel, connect, type Message, type Messaging, type StandardSchemaV1 } from '@waybill/core'
import { CloudEvent, Kafka as Binding } from 'cloudevents'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { freshName, until } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { kafkaAt, type RawRecord } from './kafka-cluster.ts'

const broker = await attachBroker(inject('kafka'))
const bench = new Bench()
const open: Messaging[] = []
afterAll(async () => {
  for (const each of open) await each.close()
  await bench.close()
})

interface Order {
  readonly orderId: string
  readonly text: string
}

const anyOrder: StandardSchemaV1<Order, Order> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Order }) },
}
const order: Order = { orderId: '42', text: 'Grüße, "ключ": 1,5 €' }
const contentModes = ['binary', 'structured'] as const
const events = (name: string) => channel(name, { schema: anyOrder, key: ({ orderId }) => orderId, groups: ['ours'] })

/** Waybill on a topic of somebody else's. */
async function onTopicOf(name: string, contentMode: (typeof contentModes)[number] = 'binary'): Promise<Messaging> {
  await bench.makeTopic(name)
  const url = `${brokerUrl}?heartbeatMs=1000&sessionTimeoutMs=6000`
  const route = { connection: 'main', address: name, contentMode } as const
  const messaging = await connect({ connections: { main: url }, channels: { [name]: route } })
  open.push(messaging)
  return messaging
}

async function consumeAll(messaging: Messaging, name: string): Promise<Message<Order>[]> {
  const messages: Message<Order>[] = []
  const options = { group: 'ours', startFrom: 'beginning' } as const
  await messaging.consume(events(name), options, async (_, { message }) => void messages.push(message))
  return messages
}

const textsOf = (headers: RawRecord['headers'] = {}) =>
  Object.fromEntries(Object.entries(headers).map(([header, value]) => [header, String(value)]))

describe('the cloudevents package', () => {
  const about = { id: 'e1', source: '/theirs', type: 'order.placed', datacontenttype: 'application/json' }
  const written = new CloudEvent({ ...about, partitionkey: 'k1', data: order })

  it('is understood: what it writes in binary and in structured mode', async () => {
    const name = freshName('theirs')
    const messaging = await onTopicOf(name)
    const producer = kafkaAt(brokerUrl).producer()
    await producer.connect()
    for (const { headers, body } of [Binding.binary(written), Binding.structured(written)]) {
      const value = typeof body === 'string' ? body : JSON.stringify(body)
      const given = Object.fromEntries(Object.entries(headers).filter(([, text]) => text !== undefined))
      await producer.send({ topic: name, messages: [{ key: 'k1', value, headers: given as Record<string, string> }] })
    }
    await producer.disconnect()
    const messages = await consumeAll(messaging, name)
    await until('both', () => messages.length === 2)
    for (const { id, source, type, key, data, time } of messages) {
      expect({ id, source, type, key, data }).toEqual({
        id: 'e1',
        source: '/theirs',
        type: 'order.placed',
        key: 'k1',
        data: order,
      })
      expect(time?.toISOString()).toBe(written.time)
    }
  })

  it.each(contentModes)('understands what is sent in %s mode', async (contentMode) => {
    const name = freshName('ours')
    const messaging = await onTopicOf(name, contentMode)
    const { id } = await messaging.send(events(name), order, { headers: { tenant: 'blue' }, correlationId: 'c1' })
    const [record] = await bench.records(name)
    const headers = textsOf(record?.headers)
    expect(headers['content-type']?.startsWith('application/cloudevents+json')).toBe(contentMode === 'structured')
    expect([record?.key?.toString(), headers['tenant']]).toEqual(['42', 'blue'])
    const value = record?.value?.toString()
    const read = Binding.toEvent<Order>({ headers, value, body: value, key: '42', timestamp: undefined } as never)
    expect(Array.isArray(read)).toBe(false)
    const event = read as CloudEvent<Order>
    expect(event).toMatchObject({ id, type: name, specversion: '1.0', datacontenttype: 'application/json' })
    expect(event['correlationid']).toBe('c1')
    expect(typeof event.data === 'string' ? JSON.parse(event.data) : event.data).toEqual(order)
    const messages = await consumeAll(messaging, name)
    await until('it comes back', () => messages.length === 1)
    expect(messages[0]).toMatchObject({ id, key: '42', data: order, correlationId: 'c1' })
  })

  it('understands bytes in structured mode; a tombstone stays one', async () => {
    const name = freshName('bytes')
    const messaging = await onTopicOf(name, 'structured')
    const pictures = channel(name, { schema: bytes, groups: [] })
    await messaging.send(pictures, Uint8Array.of(0xff, 0, 0xfe), { key: 'k' })
    await messaging.send(channel(name, { schema: anyOrder, groups: [] }), undefined as never, { key: 'k' })
    const [picture, tombstone] = await bench.records(name)
    const value = picture?.value?.toString()
    const event = Binding.toEvent({ headers: textsOf(picture?.headers), value, body: value } as never) as CloudEvent
    expect(event.data_base64).toBe('/wD+')
    expect([tombstone?.value, tombstone?.key?.toString()]).toEqual([null, 'k'])
    expect(textsOf(tombstone?.headers)).toMatchObject({ ce_specversion: '1.0' })
  })
})

describe.skipIf(broker.control === undefined)("Kafka's own Java clients", () => {
  const control = broker.control!
  const consoleProducer = 'org.apache.kafka.tools.ConsoleProducer'
  const consoleConsumer = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
  const properties = (...all: readonly string[]) => all.flatMap((each) => ['--property', each])
  const structured = JSON.stringify({
    specversion: '1.0',
    id: 'j2',
    source: '/java',
    type: 'order.placed',
    data: order,
  })
  const attributes = 'ce_specversion:1.0,ce_id:j1,ce_source:/java,ce_type:order.placed,content-type:application/json'

  it('are understood', async () => {
    const name = freshName('java')
    const messaging = await onTopicOf(name)
    const lines = [
      `${attributes}\tk1\t${JSON.stringify(order)}`,
      `content-type:application/cloudevents+json\tk1\t${structured}`,
      `plain:yes\tk1\t${JSON.stringify(order)}`,
    ]
    const parsing = properties('parse.headers=true', 'parse.key=true')
    await control.pipe(`${lines.join('\n')}\n`, consoleProducer, '--topic', name, ...parsing)
    const messages = await consumeAll(messaging, name)
    await until('all three', () => messages.length === 3)
    expect(messages.map(({ key, data }) => [key, data])).toEqual(Array.from({ length: 3 }, () => ['k1', order]))
    expect(messages.slice(0, 2).map(({ id, source, type }) => [id, source, type])).toEqual([
      ['j1', '/java', 'order.placed'],
      ['j2', '/java', 'order.placed'],
    ])
    expect(messages[2]?.headers['plain']).toBe('yes')
  }, 90_000)

  it.each(['gzip', 'zstd'])(
    'are understood when they compress with %s',
    async (codec) => {
      const name = freshName(codec)
      const messaging = await onTopicOf(name)
      const lines = Array.from({ length: 50 }, () => `${attributes}\tk1\t${JSON.stringify(order)}`)
      const parsing = properties('parse.headers=true', 'parse.key=true')
      await control.pipe(
        `${lines.join('\n')}\n`,
        consoleProducer,
        ...['--topic', name, '--compression-codec', codec],
        ...parsing,
      )
      const messages = await consumeAll(messaging, name)
      await until('all of them', () => messages.length === lines.length)
      for (const { key, data, source } of messages) expect([key, data, source]).toEqual(['k1', order, '/java'])
    },
    90_000,
  )

  it.each(contentModes)(
    'understand what is sent in %s mode',
    async (contentMode) => {
      const name = freshName('to-java')
      const messaging = await onTopicOf(name, contentMode)
      const { id } = await messaging.send(events(name), order)
      const reading = ['--from-beginning', '--max-messages', '1', '--timeout-ms', '30000']
      const printing = properties('print.headers=true', 'print.key=true')
      const line = await control.tool(consoleConsumer, '--topic', name, ...reading, ...printing)
      const [headers = '', key, value = ''] = line.trim().split('\n')[0]!.split('\t')
      expect(key).toBe('42')
      const { data, ...document } = JSON.parse(value) as {
        data: unknown
        id: string
        type: string
        datacontenttype: string
      }
      if (contentMode === 'binary') {
        expect(headers).toContain(`ce_specversion:1.0,ce_id:${id},ce_source:`)
        expect(headers).toContain(`ce_type:${name}`)
        expect(JSON.parse(value)).toEqual(order)
      } else {
        expect(headers).toBe('content-type:application/cloudevents+json; charset=utf-8')
        expect(document).toMatchObject({ specversion: '1.0', id, type: name, datacontenttype: 'application/json' })
        expect(data).toEqual(order)
      }
    },
    90_000,
  )
})

describe.skipIf(broker.control === undefined)('a topic that others made', () => {
  it('is used with the rights to read, write and describe it, and nothing is made', async () => {
    const control = broker.control!
    const [name, dead, group] = [freshName('theirs'), freshName('dead'), freshName('their-group')]
    await bench.makeTopic(name)
    await bench.makeTopic(dead, 1, { 'cleanup.policy': 'compact' })
    const user = `guest-${process.pid}`
    await control.createUser(user, 'secret')
    const rights = ['--add', '--force', '--allow-principal', `User:${user}`, '--operation', 'Read']
    const onTopics = ['--operation', 'Write', '--operation', 'Describe', '--topic', name, '--topic', dead]
    await control.tool('org.apache.kafka.tools.AclCommand', ...rights, ...onTopics)
    await control.tool('org.apache.kafka.tools.AclCommand', ...rights, '--group', group)
    const host = new URL(broker.saslUrl!.replace('kafka:', 'http:')).host
    const channels = {
      [name]: {
        connection: 'main',
        provision: 'verify',
        address: name,
        groups: { ours: { address: group, deadLetterAddress: dead } },
      },
      '*': { connection: 'main' },
    } as const
    const main = { driver: 'kafka', url: `kafka://${host}`, username: user, password: 'secret', sasl: 'scram-sha-256' }
    const messaging = await connect({ connections: { main }, channels })
    open.push(messaging)
    const seen: string[] = []
    const retry = { maxAttempts: 1, delaysMs: [] }
    await messaging.consume(events(name), { group: 'ours', retry }, async ({ orderId }) => {
      seen.push(orderId)
      if (orderId === 'bad') throw new Error('planted')
    })
    await messaging.send(events(name), order)
    await messaging.send(events(name), { ...order, orderId: 'bad' })
    await until('both are handled', () => seen.length === 2)
    await until('the bad one is a dead letter', async () => (await bench.records(dead)).length === 1)
    const made = freshName('made')
    await expect(messaging.send(events(made), order)).rejects.toMatchObject({ code: 'permissionDenied' })
    // Others make topics of their own meanwhile.
    const ours = (await bench.topics('')).filter((topic) => [name, dead, made].some((each) => topic.startsWith(each)))
    expect(ours.sort()).toEqual([dead, name].sort())
  }, 90_000)
})
