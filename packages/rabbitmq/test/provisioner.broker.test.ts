import type { DriverConnection, Topology, TopologyReport } from '@waybill/core/driver'
import { attachBroker } from '@waybill/brokers'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { freshName, hold, receive, send, topologyOf, until, wireMessage } from '@waybill/conformance/bench'
import { Bench } from './rabbitmq-bench.ts'

const bench = new Bench()
afterAll(() => bench.close())

const group = 'group'
const codeOf = (error: unknown) => bench.driver.classify(error)
const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

/** As the core does: RabbitMQ may answer that a queue cannot be had while another client is just declaring it. */
async function madeBesideOthers(connection: DriverConnection, topology: Topology): Promise<TopologyReport> {
  for (;;) {
    try {
      return await connection.provision(topology, 'create')
    } catch (error) {
      if (codeOf(error) !== 'unavailable') throw error
    }
  }
}

describe('create', () => {
  it.each([false, true])(
    'is idempotent and safe ten times at once (keyed: %s)',
    async (keyed) => {
      const name = freshName()
      const topology = topologyOf(name, { keyed, groups: ['a', 'b'], delaysMs: [100, 200] })
      const opened = await Promise.all(Array.from({ length: 10 }, () => bench.open('receive')))
      const reports = await Promise.all(opened.map(({ connection }) => madeBesideOthers(connection, topology)))
      for (const { entities } of reports) expect(entities).toEqual(reports[0]!.entities)
      await Promise.all(opened.map(({ connection }) => connection.provision(topology, 'create')))
      expect(reports[0]!.entities).toContain(`${name}/a/dead`)
      expect(opened.flatMap(({ events }) => events)).toEqual([])
    },
    30_000,
  )

  it('makes a hundred channels on one connection', async () => {
    const { connection } = await bench.open('send')
    const names = Array.from({ length: 100 }, () => freshName())
    await Promise.all(names.map((name) => connection.provision(topologyOf(name, { groups: [] }), 'create')))
    const outcomes = await Promise.all(names.map((channel) => send(connection, { channel }, [wireMessage()])))
    expect(outcomes.flat().every(({ error }) => codeOf(error) === 'unroutable')).toBe(true)
  }, 30_000)

  it('refuses a queue that exists with other arguments, leaves it, and the connection lives', async () => {
    const name = freshName()
    const raw = await bench.channel()
    await raw.assertQueue(`${name}/${group}`, { durable: true, arguments: { 'x-queue-type': 'classic' } })
    raw.sendToQueue(`${name}/${group}`, Buffer.from('theirs'))
    const opened = await bench.open('send')
    const error = await thrownBy(opened.connection.provision(topologyOf(name), 'create'))
    expect(codeOf(error)).toBe('failedPrecondition')
    expect(String(error)).toContain(
      `queue "${name}/${group}" exists with other arguments: x-dead-letter-exchange is not set, and would be ""`,
    )
    await until('it is as it was', async () => (await bench.depth(`${name}/${group}`)) === 1)
    const other = freshName()
    await opened.connection.provision(topologyOf(other), 'create')
    expect(opened.events).toEqual([])
  })

  it('refuses an exchange of another type, and another number of shards', async () => {
    const [name, sharded] = [freshName(), freshName()]
    const { connection } = await bench.open('receive', topologyOf(name, { keyed: false }))
    expect(codeOf(await thrownBy(connection.provision(topologyOf(name, { keyed: true }), 'create')))).toBe(
      'failedPrecondition',
    )
    await connection.provision(topologyOf(sharded, { keyed: true, settings: { shards: 4 } }), 'create')
    const error = await thrownBy(
      connection.provision(topologyOf(sharded, { keyed: true, settings: { shards: 8 } }), 'create'),
    )
    expect(codeOf(error)).toBe('failedPrecondition')
    expect(String(error)).toMatch(/alternate-exchange is ".*shards\.4", and would be ".*shards\.8"/)
  })

  it('does nothing twice in one epoch, and all of it again once something is missing', async () => {
    const name = freshName()
    const { connection } = await bench.open('receive', topologyOf(name))
    const raw = await bench.channel()
    await raw.deleteQueue(`${name}/${group}`)
    await connection.provision(topologyOf(name), 'create')
    await expect(bench.depth(`${name}/${group}`)).rejects.toMatchObject({ code: 404 })
    await thrownBy(hold(connection, { source: { channel: name, group } }))
    await connection.provision(topologyOf(name), 'create')
    expect(await bench.depth(`${name}/${group}`)).toBe(0)
  })
})

describe('create, while somebody deletes', () => {
  it('makes an exchange again that went between it and its bindings', async () => {
    const name = freshName()
    const { connection } = await bench.open('send', topologyOf(name, { groups: [] }))
    const raw = await bench.channel()
    await raw.deleteExchange(name)
    await connection.provision(topologyOf(name), 'create')
    expect((await send(connection, { channel: name }, [wireMessage()])).map(({ error }) => error)).toEqual([undefined])
  })
})

describe('a queue that another client is just declaring', () => {
  it('is unavailable, not missing, and there as soon as it is declared', async ({ skip }) => {
    const { control } = await attachBroker(inject('rabbitmq'))
    if (control === undefined) return skip('needs a RabbitMQ of its own')
    const name = freshName()
    const { connection } = await bench.open('receive', topologyOf(name))
    const directory = `N = rabbit_misc:r(<<"/">>, queue, <<"${name}/${group}">>), [Q] = mnesia:dirty_read(rabbit_durable_queue, N),`
    // Mnesia writes a durable queue to two tables, one after the other; who looks between the two finds it in one only.
    await control.rabbitmqctl('eval', `${directory} mnesia:dirty_delete(rabbit_queue, N).`)
    const late = await bench.open('receive')
    for (const attempt of [
      () => late.connection.provision(topologyOf(name), 'create'),
      () => late.connection.provision(topologyOf(name), 'verify'),
      () => hold(connection, { source: { channel: name, group } }),
    ]) {
      const error = await thrownBy(attempt())
      expect(String(error)).toContain('is down or inaccessible')
      expect(codeOf(error)).toBe('unavailable')
    }
    await control.rabbitmqctl('eval', `${directory} mnesia:dirty_write(rabbit_queue, Q).`)
    await late.connection.provision(topologyOf(name), 'create')
    expect(late.events).toEqual([])
  })
})

describe('verify', () => {
  it('finds what is there, and says what is not', async () => {
    const name = freshName()
    const { connection } = await bench.open('receive', topologyOf(name))
    const { entities } = await connection.provision(topologyOf(name), 'verify')
    expect(entities).toEqual([name, `${name}/${group}/dead`, `${name}/${group}`])
    const error = await thrownBy(connection.provision(topologyOf(name, { groups: [group, 'missing'] }), 'verify'))
    expect(codeOf(error)).toBe('notFound')
    expect(String(error)).toContain(`${name}/missing`)
    await expect(bench.depth(`${name}/missing`)).rejects.toMatchObject({ code: 404 })
  })
})

describe('known', () => {
  it('makes nothing', async () => {
    const name = freshName()
    const { connection } = await bench.open('receive')
    expect(await connection.provision(topologyOf(name), 'known')).toEqual({ entities: [] })
    await expect(bench.depth(`${name}/${group}`)).rejects.toMatchObject({ code: 404 })
  })
})

describe('what exists already', () => {
  it.each(['create', 'verify', 'known'] as const)('is used by name, and nothing is made: %s', async (mode) => {
    const [exchange, queue, deadQueue, name] = [freshName('x'), freshName('q'), freshName('dead'), freshName()]
    const raw = await bench.channel()
    await raw.assertExchange(exchange, 'topic')
    for (const each of [queue, deadQueue]) await raw.assertQueue(each)
    await raw.bindQueue(queue, exchange, 'order.#')
    const topology: Topology = {
      channels: [
        {
          name,
          keyed: false,
          address: exchange,
          settings: { routingKey: 'order.placed' },
          groups: [{ name: group, delaysMs: [], address: queue, deadLetterAddress: deadQueue }],
        },
      ],
    }
    const [sender, receiver] = [await bench.open('send'), await bench.open('receive')]
    for (const { connection } of [sender, receiver]) await connection.provision(topology, mode)
    await send(sender.connection, { channel: name }, [wireMessage({ body: Buffer.from('through') })])
    await send(sender.connection, { channel: name, group }, [wireMessage({ body: Buffer.from('straight') })])
    await send(sender.connection, { channel: name, group, lane: 'dead' }, [wireMessage()])
    const received = await receive(receiver.connection, { source: { channel: name, group } }, () => ({
      kind: 'accept',
    }))
    await until('both arrive', () => received.bodies.length === 2)
    await received.drain()
    expect(received.bodies).toEqual(['through', 'straight'])
    expect(await bench.depth(deadQueue)).toBe(1)
    for (const made of [`${name}/${group}`, `${name}/${group}/dead`]) {
      await expect(bench.depth(made)).rejects.toMatchObject({ code: 404 })
    }
  })

  it.each(['create', 'verify'] as const)('must exist: %s', async (mode) => {
    const { connection } = await bench.open('receive')
    const topology = { channels: [{ name: freshName(), keyed: false, address: freshName('missing'), groups: [] }] }
    expect(codeOf(await thrownBy(connection.provision(topology, mode)))).toBe('notFound')
  })
})

describe('inspect', () => {
  it('counts what is ready, over all shards', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { keyed: true }))
    await send(
      sender.connection,
      { channel: name },
      Array.from({ length: 7 }, () => wireMessage()),
    )
    const { signal } = new AbortController()
    expect(await receiver.connection.inspect({ channel: name, group }, signal)).toEqual({ ready: 7 })
    expect(await receiver.connection.inspect({ channel: name }, signal)).toEqual({})
    const missing = await thrownBy(receiver.connection.inspect({ channel: name, group: 'missing' }, signal))
    expect(codeOf(missing)).toBe('notFound')
    expect(await receiver.connection.inspect({ channel: name, group, lane: 'dead' }, signal)).toEqual({ ready: 0 })
  })
})
