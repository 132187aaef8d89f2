import { afterAll, describe, expect, it } from 'vitest'
import { type Diary, Member } from './member.ts'
import { sleep } from '@waybill/conformance'
import {
  freshName,
  hold,
  receive,
  type Received,
  send,
  topologyOf,
  until,
  wireMessage,
} from '@waybill/conformance/bench'
import { Bench } from './rabbitmq-bench.ts'

const bench = new Bench()
afterAll(() => bench.close())

const group = 'group'
const numbered = (count: number, key?: string) =>
  Array.from({ length: count }, (_, index) => wireMessage({ body: Buffer.from(String(index)), key }))

/** mulberry32: https://github.com/cprosche/mulberry32 */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('draining', () => {
  it('leaves nothing settled behind: the broker loses acknowledgements of an amqp channel that closes', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    for (let round = 0; round < 3; round++) {
      await send(sender.connection, { channel: name }, numbered(5_000))
      const received = await hold(receiver.connection, { source: { channel: name, group }, maxInFlight: 10_000 })
      await until('all are delivered', () => received.deliveries.length === 5_000, 15_000)
      received.settleAll()
      await received.drain()
      await sleep(200)
      expect(await bench.depth(`${name}/${group}`)).toBe(0)
    }
  }, 60_000)

  it('waits for what is open and gives back what is released', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, { channel: name }, numbered(10))
    const received = await hold(receiver.connection, { source: { channel: name, group }, maxInFlight: 5 })
    await until('the window is full', () => received.deliveries.length === 5)
    let isDrained = false
    const drained = received.drain().then(() => {
      isDrained = true
    })
    for (const index of [0, 1]) received.settle(index)
    for (const index of [2, 3]) received.settle(index, { kind: 'release' })
    await sleep(100)
    expect(isDrained).toBe(false)
    received.settle(4)
    await drained
    expect(received.deliveries.length).toBe(5)
    await until('the rest is ready', async () => (await bench.depth(`${name}/${group}`)) === 7)
  })
})

describe('order by key', () => {
  const source = (channel: string) => ({ channel, group })

  it('survives that a member leaves in the middle: nobody gets a key before its holder has let go', async () => {
    const name = freshName()
    const topology = topologyOf(name, { keyed: true })
    const { sender, receiver } = await bench.pair(topology)
    const other = await bench.open('receive', topology)
    await send(sender.connection, { channel: name }, numbered(20, 'k'))
    const leaving = await hold(receiver.connection, { source: source(name), order: 'key', maxInFlight: 20 })
    await until('it has the first', () => leaving.deliveries.length === 5)
    const staying = await receive(other.connection, { source: source(name), order: 'key', maxInFlight: 80 }, () => ({
      kind: 'accept',
    }))
    const drained = leaving.drain()
    leaving.settle(0)
    for (const index of [4, 2, 3]) leaving.settle(index, { kind: 'release' })
    await sleep(300)
    expect(staying.bodies).toEqual([])
    leaving.settle(1)
    await drained
    await until('the other gets the rest', () => staying.bodies.length === 18)
    expect(staying.bodies).toEqual(Array.from({ length: 18 }, (_, index) => String(index + 2)))
    await staying.drain()
  })

  it('survives that a member is killed', async () => {
    const name = freshName()
    const topology = topologyOf(name, { keyed: true })
    const { sender, receiver } = await bench.pair(topology)
    const other = await bench.open('receive', topology)
    await send(sender.connection, { channel: name }, numbered(20, 'k'))
    const killed = await hold(receiver.connection, { source: source(name), order: 'key', maxInFlight: 40 })
    await until('it has the first', () => killed.deliveries.length === 10)
    killed.settle(0)
    await sleep(100)
    const staying = await receive(other.connection, { source: source(name), order: 'key' }, () => ({ kind: 'accept' }))
    receiver.abort()
    await until('the other gets the rest', () => staying.bodies.length === 19)
    expect(staying.bodies).toEqual(Array.from({ length: 19 }, (_, index) => String(index + 1)))
    await staying.drain()
  })

  it('survives members that come, go, die and change their windows', async () => {
    const name = freshName()
    const topology = topologyOf(name, { keyed: true })
    const sender = await bench.open('send', topology)
    const diary: Diary = { started: [], finished: new Set() }
    const members = [new Member(bench, topology, diary), new Member(bench, topology, diary)]
    const random = seeded(7)
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
    const windows = [2, 8, 40, 100, 256]
    for (const member of members) await member.join(pick(windows))
    const messages = Array.from({ length: 3_000 }, (_, number) =>
      wireMessage({ key: `key-${number % 10}`, body: Buffer.from(String(number)) }),
    )
    const sent = (async () => {
      for (let at = 0; at < messages.length; at += 50) {
        await send(sender.connection, { channel: name }, messages.slice(at, at + 50))
      }
    })()
    const leaving: Promise<void>[] = []
    await until(
      'all are handled',
      async () => {
        const member = pick(members)
        await sleep(10 + random() * 50)
        if (random() < 0.2) member.die()
        else leaving.push(member.leave())
        await member.join(pick(windows))
        return diary.finished.size === messages.length
      },
      60_000,
    )
    await Promise.all([sent, ...members.map((member) => member.leave()), ...leaving])
    const firstStarts = new Map<string, number[]>()
    const seen = new Set<number>()
    for (const { key, number } of diary.started) {
      if (seen.has(number)) continue
      seen.add(number)
      firstStarts.set(key, [...(firstStarts.get(key) ?? []), number])
    }
    for (const numbers of firstStarts.values()) expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(await Promise.all([0, 1, 2, 3].map((shard) => bench.depth(`${name}/${group}/shard.${shard}`)))).toEqual([
      0, 0, 0, 0,
    ])
  }, 90_000)

  it('is shared by two members, each of whom gets some of the shards', async () => {
    const name = freshName()
    const topology = topologyOf(name, { keyed: true, settings: { shards: 16 } })
    const { sender, receiver } = await bench.pair(topology)
    const other = await bench.open('receive', topology)
    const members: Received[] = []
    for (const { connection } of [receiver, other]) {
      members.push(await receive(connection, { source: source(name), order: 'key' }, () => ({ kind: 'accept' })))
    }
    await sleep(200)
    await send(
      sender.connection,
      { channel: name },
      Array.from({ length: 200 }, (_, key) => wireMessage({ key: `key-${key}` })),
    )
    await until('all are handled', () => members[0]!.bodies.length + members[1]!.bodies.length === 200)
    for (const { bodies } of members) expect(bodies.length).toBeGreaterThan(20)
    await Promise.all(members.map((member) => member.drain()))
  })

  it('has no more in flight than allowed, fewer than shards too', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { keyed: true }))
    await send(sender.connection, { channel: name }, numbered(40))
    let most = 0
    let done = 0
    let open = 0
    const listener = await receiver.connection.listen(
      { source: source(name), order: 'key', maxInFlight: 2 },
      async () => {
        most = Math.max(most, ++open)
        await sleep(1)
        open--
        done++
        return { kind: 'accept' }
      },
    )
    await until('all are handled', () => done === 40)
    expect(most).toBe(2)
    await listener.drain()
  })

  it('is refused on a channel that was provisioned without', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name))
    const listening = hold(receiver.connection, { source: source(name), order: 'key' })
    await expect(listening).rejects.toMatchObject({ code: 'failedPrecondition' })
  })
})

describe('settling', () => {
  it('reaches no other epoch, even where the numbers are the same', async () => {
    const name = freshName()
    const topology = topologyOf(name)
    const { sender, receiver } = await bench.pair(topology)
    await send(sender.connection, { channel: name }, numbered(1))
    const first = await hold(receiver.connection, { source: { channel: name, group } })
    await until('it is delivered', () => first.deliveries.length === 1)
    receiver.abort(new Error('the epoch is over'))
    await until('the lease is lost', () => first.deliveries[0]!.lease.state === 'lost')
    const next = await bench.open('receive', topology)
    const second = await hold(next.connection, { source: { channel: name, group } })
    await until('it is delivered again', () => second.deliveries.length === 1)
    expect(second.deliveries[0]!.deliveries).toBe(2)
    first.settle(0)
    await sleep(200)
    expect(receiver.events.filter(({ kind }) => kind === 'settleFailed')).toEqual([
      { kind: 'settleFailed', position: `${name}/${group}#1`, error: expect.anything() },
    ])
    second.settle(0, { kind: 'release' })
    await until('the second still had it', () => second.deliveries.length === 2)
    second.settleAll()
    await second.drain()
  })

  it('that RabbitMQ does not have gives the message back and says so', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, { channel: name }, numbered(1))
    const received = await hold(receiver.connection, { source: { channel: name, group } })
    await until('it is delivered', () => received.deliveries.length === 1)
    received.settle(0, { kind: 'retry', delayMs: 10 })
    await until('it comes back', () => received.deliveries.length === 2)
    expect(receiver.events).toMatchObject([{ kind: 'settleFailed', error: { code: 'unsupported' } }])
    received.settleAll()
    await received.drain()
  })
})

describe('the end of a listener', () => {
  it.each([false, true])('comes when its queue is deleted (keyed: %s)', async (keyed) => {
    const name = freshName()
    const topology = topologyOf(name, { keyed })
    const { sender, receiver } = await bench.pair(topology)
    const order = keyed ? 'key' : 'none'
    const received = await hold(receiver.connection, { source: { channel: name, group }, order })
    const raw = await bench.channel()
    await raw.deleteQueue(keyed ? `${name}/${group}/shard.2` : `${name}/${group}`)
    const error = await received.ended
    expect(bench.driver.classify(error)).toBe('unavailable')
    expect(receiver.events).toEqual([])
    await receiver.connection.provision(topology, 'create')
    const again = await receive(receiver.connection, { source: { channel: name, group }, order }, () => ({
      kind: 'accept',
    }))
    await send(sender.connection, { channel: name }, numbered(8))
    await until('all arrive', () => again.bodies.length === 8)
    await again.drain()
  })

  it('comes with the connection, once, and nothing connects by itself', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name))
    const received = await hold(receiver.connection, { source: { channel: name, group } })
    receiver.abort(new Error('given up'))
    await received.ended
    await sleep(500)
    expect(receiver.events.map(({ kind }) => kind)).toEqual(['lost'])
    const raw = await bench.channel()
    expect((await raw.checkQueue(`${name}/${group}`)).consumerCount).toBe(0)
    await receiver.connection.close()
  })

  it('is a rejection where there is no queue', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name, { groups: [] }))
    const error = await hold(receiver.connection, { source: { channel: name, group } }).catch(
      (thrown: unknown) => thrown,
    )
    expect(bench.driver.classify(error)).toBe('notFound')
  })
})

describe('the delivery limit', () => {
  it('is a backstop that keeps the message: it ends among the dead letters', async () => {
    const name = freshName()
    const limited = new Bench({ deliveryLimit: 2 })
    const sender = await limited.open('send', topologyOf(name))
    await send(sender.connection, { channel: name }, [wireMessage({ id: 'poison' })])
    for (let death = 0; death < 3; death++) {
      const receiver = await limited.open('receive', topologyOf(name))
      const received = await hold(receiver.connection, { source: { channel: name, group } })
      await until('it is delivered', () => received.deliveries.length === 1)
      receiver.abort(new Error('the process died'))
      await received.ended
    }
    await until('it is a dead letter', async () => (await limited.depth(`${name}/${group}/dead`)) === 1)
    expect(await limited.depth(`${name}/${group}`)).toBe(0)
    await limited.close()
  })

  it('is not reached by dead letters, however often they are looked at', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    await send(sender.connection, { channel: name, group, lane: 'dead' }, numbered(3))
    for (let look = 0; look < 25; look++) {
      const browsed = await receive(
        receiver.connection,
        { source: { channel: name, group, lane: 'dead' }, intent: 'browse' },
        () => ({ kind: 'release' }),
      )
      expect(await browsed.ended).toBe(undefined)
      await browsed.drain()
      expect(browsed.bodies).toEqual(['0', '1', '2'])
    }
  }, 30_000)
})

describe('a temporary group', () => {
  it.each([false, true])(
    'gets what comes from now on, can be addressed, and leaves nothing behind (keyed: %s)',
    async (keyed) => {
      const name = freshName()
      const { sender, receiver } = await bench.pair(topologyOf(name, { keyed, groups: [] }))
      const request = {
        source: { channel: name, group: 'one' },
        temporary: true,
        order: keyed ? ('key' as const) : ('none' as const),
      }
      const received = await receive(receiver.connection, request, () => ({ kind: 'accept' }))
      await send(sender.connection, { channel: name }, [...numbered(3), ...numbered(3, 'k')])
      if (!keyed)
        await send(sender.connection, { channel: name, group: 'one' }, [wireMessage({ body: Buffer.from('reply') })])
      await until('all arrive', () => received.bodies.length === (keyed ? 6 : 7))
      await received.drain()
      await expect(bench.depth(`${name}/one`)).rejects.toMatchObject({ code: 404 })
      const again = await receive(receiver.connection, request, () => ({ kind: 'accept' }))
      await again.drain()
    },
  )
})
