import type { Delivery, DriverConnection, ListenRequest, Settlement } from '@waybill/core/driver'
import { afterAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../src/kafka-partitioner.ts'
import { sleep } from '@waybill/conformance'
import { freshName, numbered, receive, send, topologyOf, until, wireMessage } from '@waybill/conformance/bench'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { kafkaAt } from './kafka-cluster.ts'

const bench = new Bench()
afterAll(() => bench.close())

const group = 'group'
const source = (channel: string) => ({ channel, group })
const accept = () => ({ kind: 'accept' }) as const
const release = () => ({ kind: 'release' }) as const

/** Listens and keeps each delivery until told. */
async function hold(connection: DriverConnection, request: Partial<ListenRequest> & Pick<ListenRequest, 'source'>) {
  const deliveries: Delivery[] = []
  const open: (((settlement: Settlement) => void) | undefined)[] = []
  const listener = await connection.listen({ order: 'none', maxInFlight: 100, ...request }, (delivery) => {
    deliveries.push(delivery)
    return new Promise((resolve) => open.push(resolve))
  })
  const settle = (index: number, settlement: Settlement = { kind: 'accept' }) => {
    open[index]?.(settlement)
    open[index] = undefined
  }
  const settleAll = (settlement?: Settlement) => open.forEach((_, index) => void settle(index, settlement))
  return { deliveries, settle, settleAll, drain: () => listener.drain() }
}

const bodiesOf = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ message }) => Buffer.from(message.body ?? []).toString())

async function write(topic: string, message: { value: Buffer; headers: Record<string, string | Buffer> }) {
  const producer = kafkaAt(brokerUrl).producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic, messages: [message] }).finally(() => producer.disconnect())
}

/** Keys of two partitions. */
const [here, there] = [0, 1].map((partition) =>
  Array.from({ length: 20 }, (_, index) => `key-${index}`).find(
    (key) => partitionOf(Buffer.from(key), 2) === partition,
  ),
) as [string, string]

describe('committing', () => {
  it('is of the unbroken run only, whatever came after it', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { settings: { partitions: 1 } }))
    await send(sender.connection, { channel: name }, numbered(10))
    const first = await hold(receiver.connection, { source: source(name) })
    await until('all are delivered', () => first.deliveries.length === 10)
    for (const index of [0, 1, 3, 4, 9]) first.settle(index)
    await until('the first two are committed', async () => {
      return (await bench.committed(`${name}..${group}`, name))[0]?.[0] === '2'
    })
    receiver.abort()
    const second = await bench.open('receive', topologyOf(name))
    const again = await receive(second.connection, { source: source(name) }, accept)
    await until('the rest comes again', () => again.bodies.length === 8, 15_000)
    expect(again.bodies).toEqual(['2', '3', '4', '5', '6', '7', '8', '9'])
    await again.drain()
    expect((await bench.committed(`${name}..${group}`, name))[0]?.[0]).toBe('10')
  }, 30_000)
})

describe('members', () => {
  it('that join take what nobody has in work, and the rest when it has ended; nothing comes twice', async () => {
    const name = freshName()
    const topology = topologyOf(name, { settings: { partitions: 2 } })
    const { sender, receiver } = await bench.pair(topology)
    const first = await hold(receiver.connection, { source: source(name) })
    await send(sender.connection, { channel: name }, numbered(20, { key: here }))
    await send(sender.connection, { channel: name }, numbered(20, { key: there }))
    await until('the first has all', () => first.deliveries.length === 40)
    const other = await bench.open('receive', topology)
    const second = await receive(other.connection, { source: source(name) }, accept)
    await until('one of two partitions is recalled', () => {
      const states = new Set(first.deliveries.map(({ lease }) => lease.state))
      return states.has('recalled') && states.has('held')
    })
    expect(second.bodies).toEqual([])
    first.settleAll()
    await until('it is handed over', () => first.deliveries.some(({ lease }) => lease.state === 'lost'))
    const before = first.deliveries.length
    await send(sender.connection, { channel: name }, [...numbered(5, { key: here }), ...numbered(5, { key: there })])
    await until('both go on', () => second.bodies.length === 5 && first.deliveries.length === before + 5)
    first.settleAll()
    await Promise.all([first.drain(), second.drain()])
    expect(receiver.events).toEqual([])
  }, 30_000)

  it('that leave are followed at once, where they had got to', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, { channel: name }, numbered(30))
    const leaving = await hold(receiver.connection, { source: source(name), maxInFlight: 5 })
    await until('the window is full', () => leaving.deliveries.length === 5)
    const other = await bench.open('receive', topologyOf(name))
    const staying = await receive(other.connection, { source: source(name) }, accept)
    const drained = leaving.drain()
    leaving.settleAll()
    await drained
    await until('the rest comes', () => staying.bodies.length === 25)
    expect(new Set([...bodiesOf(leaving.deliveries), ...staying.bodies]).size).toBe(30)
    await staying.drain()
  }, 30_000)
})

describe('listening', () => {
  it('misses nothing that is sent once it has begun, also in a group that others made and never used', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { groups: [] }))
    await send(sender.connection, { channel: name }, numbered(50))
    const groups = [{ name: 'late', delaysMs: [], address: `${name}-theirs` }]
    await receiver.connection.provision({ channels: [{ name, keyed: false, groups }] }, 'known')
    const late = await receive(receiver.connection, { source: { channel: name, group: 'late' } }, accept)
    const later = Array.from({ length: 110 }, () => wireMessage({ body: Buffer.from('later') }))
    await send(sender.connection, { channel: name }, later)
    await until('all that was sent later', () => late.bodies.length === 110)
    await sleep(200)
    expect(new Set(late.bodies)).toEqual(new Set(['later']))
    await late.drain()
  }, 30_000)

  it('goes on past what cannot be read', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { settings: { partitions: 1 } }))
    await send(sender.connection, { channel: name }, numbered(1))
    const headers = { 'content-type': 'application/cloudevents+json' }
    await write(name, { value: Buffer.from('{"specversion":'), headers })
    await write(name, { value: Buffer.from([0xff, 0xfe]), headers: { ce_specversion: Buffer.from([0xff]) } })
    await send(sender.connection, { channel: name }, numbered(1))
    const received = await receive(receiver.connection, { source: source(name) }, accept)
    await until('all four', () => received.deliveries.length === 4)
    expect(received.deliveries.map(({ message }) => message.problem !== undefined)).toEqual([false, true, true, false])
    await received.drain()
  }, 30_000)
})

describe('browsing', () => {
  const dead = (channel: string) => ({ channel, group, lane: 'dead' as const })
  const browse = (channel: string) => ({ source: dead(channel), intent: 'browse' as const, maxInFlight: 1 })

  it('shows each letter once, in order, and removes what is accepted', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, dead(name), numbered(5))
    const first = await receive(receiver.connection, browse(name), ({ message }) => ({
      kind: Buffer.from(message.body ?? []).toString() === '2' ? 'accept' : 'release',
    }))
    expect(await first.ended).toBe(undefined)
    await first.drain()
    const second = await receive(receiver.connection, browse(name), release)
    expect(await second.ended).toBe(undefined)
    await second.drain()
    expect([first.bodies, second.bodies]).toEqual([
      ['0', '1', '2', '3', '4'],
      ['0', '1', '3', '4'],
    ])
    const { groups } = await (await bench.fresh()).listGroups()
    expect(groups.filter(({ groupId }) => groupId === `${name}..${group}..dead`)).toEqual([])
  }, 30_000)

  it('is for one at a time: who comes second sees what the first has left', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const other = await bench.open('receive', topologyOf(name))
    await send(sender.connection, dead(name), numbered(10))
    const first = await hold(receiver.connection, browse(name))
    await until('the first sees all', () => first.deliveries.length === 10)
    let hasBegun = false
    const waiting = receive(other.connection, browse(name), release).then((second) => {
      hasBegun = true
      return second
    })
    await sleep(1_500)
    expect(hasBegun).toBe(false)
    for (const index of [0, 1, 2]) first.settle(index)
    first.settleAll({ kind: 'release' })
    await first.drain()
    const second = await waiting
    await second.ended
    expect(second.bodies).toEqual(['3', '4', '5', '6', '7', '8', '9'])
    await second.drain()
  }, 30_000)
})
