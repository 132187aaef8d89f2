import type { Topology } from '@waybill/core/driver'
import { afterAll, describe, expect, it } from 'vitest'
import { freshName, numbered, receive, send, topologyOf, until, wireMessage } from '@waybill/conformance/bench'
import { Bench } from './kafka-bench.ts'

const bench = new Bench()
afterAll(() => bench.close())

const group = 'group'
const codeOf = (error: unknown) => bench.driver.classify(error)
const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('create', () => {
  it.each([false, true])(
    'is idempotent and safe ten times at once (keyed: %s)',
    async (keyed) => {
      const name = freshName()
      const topology = topologyOf(name, { keyed, groups: ['a', 'b'], delaysMs: [100, 200] })
      const opened = await Promise.all(Array.from({ length: 10 }, () => bench.open('receive')))
      const reports = await Promise.all(opened.map(({ connection }) => connection.provision(topology, 'create')))
      for (const report of reports) expect(report).toEqual(reports[0])
      const made = await bench.topics(name)
      expect(made).toEqual([...reports[0]!.entities].sort())
      expect(made).toContain(`${name}..a..dead`)
      expect(reports[0]!.lanes).toEqual([
        { channel: name, group: 'a', delaysMs: [100, 200] },
        { channel: name, group: 'b', delaysMs: [100, 200] },
      ])
      await Promise.all(opened.map(({ connection }) => connection.provision(topology, 'create')))
      expect(await bench.topics(name)).toEqual(made)
      expect(opened.flatMap(({ events }) => events)).toEqual([])
    },
    60_000,
  )

  it('reports lanes that no policy names any more', async () => {
    const name = freshName()
    const { connection } = await bench.open('receive', topologyOf(name, { delaysMs: [100] }))
    for (const mode of ['create', 'verify', 'known'] as const) {
      const { lanes } = await connection.provision(topologyOf(name), mode)
      expect(lanes, mode).toEqual([{ channel: name, group, delaysMs: [100] }])
    }
  })

  it('is not hindered by topics that were deleted since', async () => {
    const [gone, name] = [freshName('gone'), freshName()]
    const { connection, events } = await bench.open('send', topologyOf(gone))
    await send(connection, { channel: gone }, [wireMessage()])
    await (await bench.admin()).deleteTopics({ topics: await bench.topics(gone) })
    await connection.provision(topologyOf(name), 'create')
    expect((await send(connection, { channel: name }, [wireMessage()])).map(({ error }) => error)).toEqual([undefined])
    await connection.provision(topologyOf(gone), 'create')
    expect((await send(connection, { channel: gone }, [wireMessage()])).map(({ error }) => error)).toEqual([undefined])
    expect(events).toEqual([])
  })

  it('gives topics the replicas and the size of messages that were asked for', async () => {
    const wide = new Bench({ maxMessageBytes: 2_000_000, replicationFactor: 1 })
    try {
      const name = freshName()
      const { connection } = await wide.open('send', topologyOf(name))
      const body = Buffer.alloc(wide.driver.capabilities.maxBodyBytes)
      for (const to of [{ channel: name }, { channel: name, group, lane: 'dead' as const }]) {
        expect((await send(connection, to, [wireMessage({ body })])).map(({ error }) => error)).toEqual([undefined])
      }
    } finally {
      await wide.close()
    }
  })

  it('asks for no more replicas than there are brokers', async () => {
    const replicated = new Bench({ replicationFactor: 3 })
    try {
      const { connection } = await replicated.open('send')
      expect(codeOf(await thrownBy(connection.provision(topologyOf(freshName()), 'create')))).toBe('failedPrecondition')
    } finally {
      await replicated.close()
    }
  })
})

describe('where a group starts', () => {
  it('is the beginning of a topic that is made with it', async () => {
    const name = freshName()
    await bench.open('send', topologyOf(name))
    expect(await bench.committed(`${name}..${group}`, name)).toEqual(new Array(3).fill(['0', 'waybill-start']))
  })

  it('is the end of one that is there, and stays there: what is sent from then on comes to it', async () => {
    const name = freshName()
    const { connection } = await bench.open('send', topologyOf(name, { groups: [] }))
    await send(connection, { channel: name }, numbered(30))
    const late = topologyOf(name, { groups: ['late'] })
    await connection.provision(late, 'create')
    await send(connection, { channel: name }, numbered(3, { body: Buffer.from('new') }))
    const others = await Promise.all(Array.from({ length: 5 }, () => bench.open('receive', late)))
    expect(await bench.committed(`${name}..late`, name)).toEqual(new Array(3).fill(['10', 'waybill-start']))
    const received = await receive(others[0]!.connection, { source: { channel: name, group: 'late' } })
    await until('the new ones arrive', () => received.bodies.length >= 3)
    await received.drain()
    expect(received.bodies).toEqual(['new', 'new', 'new'])
  })

  it('is the oldest message where it has been before and its offsets are gone', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, { channel: name }, numbered(6))
    await (await bench.fresh()).deleteGroups([`${name}..${group}`])
    await receiver.connection.provision(topologyOf(name), 'create')
    const received = await receive(receiver.connection, { source: { channel: name, group } })
    await until('all come', () => received.bodies.length >= 6)
    await received.drain()
    expect(received.bodies.toSorted()).toEqual(['0', '1', '2', '3', '4', '5'])
  })
})

describe('what is there and differs', () => {
  it('is refused where a key would have another owner: fewer partitions than declared', async () => {
    const name = freshName()
    await bench.makeTopic(name, 2)
    const { connection, events } = await bench.open('send')
    const error = await thrownBy(connection.provision(topologyOf(name, { keyed: true }), 'create'))
    expect(codeOf(error)).toBe('failedPrecondition')
    expect(String(error)).toMatch(/has 2 partitions, and 3 are declared: set partitions to 2, or add some/)
    await connection.provision(topologyOf(name, { keyed: true, settings: { partitions: 2 } }), 'create')
    await connection.provision(topologyOf(name, { keyed: false }), 'verify')
    expect(events).toEqual([])
  })

  it('is refused where a key would have two owners: another number of partitions in a group’s own topic', async () => {
    const name = freshName()
    await bench.makeTopic(`${name}..${group}`, 2)
    const { connection } = await bench.open('send')
    const error = await thrownBy(connection.provision(topologyOf(name, { keyed: true }), 'create'))
    expect(codeOf(error)).toBe('failedPrecondition')
    expect(String(error)).toContain('so a key would have two owners')
  })

  it('is refused where dead letters would be deleted in time', async () => {
    const name = freshName()
    await bench.makeTopic(`${name}..${group}..dead`)
    const { connection } = await bench.open('receive')
    const error = await thrownBy(connection.provision(topologyOf(name), 'create'))
    expect(codeOf(error)).toBe('failedPrecondition')
    expect(String(error)).toContain('cleanup.policy=compact')
  })

  it('has the name of another one to Kafka’s metrics', async () => {
    const name = freshName()
    await bench.makeTopic(name.replaceAll('.', '_'))
    const { connection } = await bench.open('send')
    const error = await thrownBy(connection.provision(topologyOf(name), 'create'))
    expect(codeOf(error)).toBe('failedPrecondition')
    expect(String(error)).toContain(name.replaceAll('.', '_'))
  })

  it('only in "." and "_" is two channels', async () => {
    const name = freshName()
    const { connection } = await bench.open('send', topologyOf(`${name}.a.b`))
    await connection.provision(topologyOf(`${name}.a_b`), 'create')
    await send(connection, { channel: `${name}.a_b` }, numbered(1))
    expect(await bench.bodies(`${name}.a..-b`)).toEqual(['0'])
    expect(await bench.bodies(`${name}.a.b`)).toEqual([])
  })
})

describe('verify', () => {
  it('finds what is there, and says what is not', async () => {
    const name = freshName()
    const { connection } = await bench.open('receive', topologyOf(name))
    const { entities } = await connection.provision(topologyOf(name), 'verify')
    expect([...entities].sort()).toEqual([name, `${name}..${group}`, `${name}..${group}..dead`])
    const error = await thrownBy(connection.provision(topologyOf(name, { groups: [group, 'missing'] }), 'verify'))
    expect(codeOf(error)).toBe('notFound')
    expect(String(error)).toContain(`${name}..missing`)
    expect(await bench.topics(`${name}..missing`)).toEqual([])
  })
})

describe('known', () => {
  it('makes nothing, and what is not there is missing when it is sent to', async () => {
    const name = freshName()
    const { connection } = await bench.open('send')
    const report = await connection.provision(topologyOf(name), 'known')
    expect(report).toEqual({ entities: [], lanes: [{ channel: name, group, delaysMs: [] }] })
    expect(await bench.topics(name)).toEqual([])
    const [outcome] = await send(connection, { channel: name }, [wireMessage()])
    expect([codeOf(outcome!.error), outcome!.outcome]).toEqual(['notFound', 'notSent'])
  })
})

describe('what exists already', () => {
  it.each(['create', 'verify', 'known'] as const)('is used by name, and nothing is made: %s', async (mode) => {
    const [topic, dead, name] = [freshName('x'), freshName('dead'), freshName()]
    await bench.makeTopic(topic, 2)
    await bench.makeTopic(dead)
    const groups = [{ name: group, delaysMs: [], address: `${name}-theirs`, deadLetterAddress: dead }]
    const topology: Topology = { channels: [{ name, keyed: true, address: topic, groups }] }
    const { connection: sender } = await bench.open('send')
    const { connection: receiver } = await bench.open('receive')
    for (const connection of [sender, receiver]) await connection.provision(topology, mode)
    const received = await receive(receiver, { source: { channel: name, group }, order: 'key' })
    await send(sender, { channel: name }, [wireMessage({ body: Buffer.from('through'), key: 'k' })])
    await send(sender, { channel: name, group }, [wireMessage({ body: Buffer.from('redriven'), key: 'k' })])
    await send(sender, { channel: name, group: 'other' }, [wireMessage({ body: Buffer.from('for others'), key: 'k' })])
    await send(sender, { channel: name, group, lane: 'dead' }, [wireMessage({ body: Buffer.from('dead') })])
    await until('both arrive', () => received.bodies.length === 2)
    await received.drain()
    expect(received.bodies).toEqual(['through', 'redriven'])
    expect(await bench.bodies(dead)).toEqual(['dead'])
    expect(await bench.topics(name)).toEqual([])
    expect((await bench.committed(`${name}-theirs`, topic)).map(([offset]) => offset).toSorted()).toContain('3')
  })

  it.each(['create', 'verify'] as const)('must exist: %s', async (mode) => {
    const { connection } = await bench.open('receive')
    const topology = { channels: [{ name: freshName(), keyed: false, address: freshName('missing'), groups: [] }] }
    expect(codeOf(await thrownBy(connection.provision(topology, mode)))).toBe('notFound')
  })
})

describe('inspect', () => {
  it('counts what is ready, in all that the group reads', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, { channel: name }, numbered(7))
    await send(sender.connection, { channel: name, group }, numbered(2))
    const { signal } = new AbortController()
    expect(await receiver.connection.inspect({ channel: name, group }, signal)).toMatchObject({ ready: 9 })
    expect(await receiver.connection.inspect({ channel: name }, signal)).toEqual({})
    const missing = await thrownBy(receiver.connection.inspect({ channel: name, group: 'missing' }, signal))
    expect(codeOf(missing)).toBe('notFound')
    expect(await receiver.connection.inspect({ channel: name, group, lane: 'dead' }, signal)).toMatchObject({
      ready: 0,
    })
  })
})
