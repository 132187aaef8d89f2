import { MessagingError } from '@waybill/core/driver'
import { afterAll, describe, expect, it } from 'vitest'
import { sleep } from '@waybill/conformance'
import {
  freshName,
  hold,
  type Outcome,
  receive,
  send,
  topologyOf,
  until,
  wireMessage,
} from '@waybill/conformance/bench'
import { headersOf } from '@waybill/core/driver'
import { Bench } from './rabbitmq-bench.ts'

const bench = new Bench()
afterAll(() => bench.close())

const codeOf = ({ error }: Outcome) => (error === undefined ? 'confirmed' : bench.driver.classify(error))
const many = (count: number) => Array.from({ length: count }, () => wireMessage())

describe('an unroutable message', () => {
  it('fails although the broker confirms it, and only that one', async () => {
    const [nobody, somebody] = [freshName(), freshName()]
    const sender = await bench.open('send', {
      channels: [...topologyOf(nobody, { groups: [] }).channels, ...topologyOf(somebody).channels],
    })
    const same = wireMessage()
    const [lost, kept] = await Promise.all([
      send(sender.connection, { channel: nobody }, [same, ...many(99)]),
      send(sender.connection, { channel: somebody }, [same, ...many(99)]),
    ])
    expect(lost.map(codeOf)).toEqual(new Array(100).fill('unroutable'))
    expect(kept.map(codeOf)).toEqual(new Array(100).fill('confirmed'))
    expect(await bench.depth(`${somebody}/group`)).toBe(100)
    expect(sender.warnings).toEqual([])
  })

  it('to a group that is not there is told from one that is, with the same id in flight', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name))
    const same = wireMessage()
    const [lost, kept] = await Promise.all([
      send(sender.connection, { channel: name, group: 'nobody' }, [same]),
      send(sender.connection, { channel: name, group: 'group' }, [same]),
    ])
    expect([...lost, ...kept].map(codeOf)).toEqual(['unroutable', 'confirmed'])
  })
})

describe('a missing exchange', () => {
  it('fails what was sent to it, no neighbour, and heals by provisioning on the same connection', async () => {
    const [doomed, other] = [freshName('doomed'), freshName('other')]
    const topology = { channels: [...topologyOf(doomed).channels, ...topologyOf(other).channels] }
    const sender = await bench.open('send', topology)
    const raw = await bench.channel()
    await raw.deleteExchange(doomed)
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        send(sender.connection, index % 2 ? { channel: doomed } : { channel: other }, many(20)),
      ),
    )
    const [kept, failed] = [
      all.filter((_, index) => index % 2 === 0).flat(),
      all.filter((_, index) => index % 2).flat(),
    ]
    expect(new Set(kept.map(codeOf))).toEqual(new Set(['confirmed']))
    expect(failed.some((each) => codeOf(each) === 'notFound' && each.outcome === 'unknown')).toBe(true)
    expect(new Set(failed.map(codeOf)).has('confirmed')).toBe(false)
    await sender.connection.provision(topology, 'create')
    await until('it takes messages again', async () => {
      const [outcome] = await send(sender.connection, { channel: doomed }, many(1))
      return codeOf(outcome!) === 'confirmed'
    })
    expect(sender.events).toEqual([])
  })
})

describe('the size limit', () => {
  it('passes at the limit; one past it fails alone, and its neighbours are nobody’s fault', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name))
    const { maxBodyBytes } = bench.driver.capabilities
    const [atLimit] = await send(sender.connection, { channel: name }, [
      wireMessage({ body: Buffer.alloc(maxBodyBytes) }),
    ])
    expect(codeOf(atLimit!)).toBe('confirmed')
    const tooLarge = wireMessage({ body: Buffer.alloc(maxBodyBytes + 1) })
    const outcomes = await send(sender.connection, { channel: name }, [...many(3), tooLarge, ...many(3)])
    const codes = outcomes.map(codeOf)
    expect(codes[3]).toBe('tooLarge')
    expect(outcomes[3]!.outcome).toBe('notSent')
    for (const code of codes.toSpliced(3, 1)) expect(['confirmed', 'unavailable']).toContain(code)
    expect(codes.slice(4)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    await until(
      'the next is taken',
      async () => codeOf((await send(sender.connection, { channel: name }, many(1)))[0]!) === 'confirmed',
    )
    expect(sender.events).toEqual([])
  }, 30_000)
})

describe('headers', () => {
  it('pass at the limits declared, escaped names and all', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const { maxHeaderBytes, maxHeaders = 0 } = bench.driver.capabilities
    const names = Array.from({ length: maxHeaders }, (_, index) => `x-first-death-${index}`)
    const rest = maxHeaderBytes - Buffer.byteLength(names.join(''))
    const value = 'v'.repeat(Math.floor(rest / maxHeaders))
    const headers = headersOf(Object.fromEntries(names.map((each) => [each, value])))
    const [outcome] = await send(sender.connection, { channel: name }, [
      wireMessage({
        headers,
        key: 'k'.repeat(255),
        id: 'i'.repeat(255),
        source: 's'.repeat(1_000),
        type: 't'.repeat(1_000),
      }),
    ])
    expect(codeOf(outcome!)).toBe('confirmed')
    const received = await hold(receiver.connection, { source: { channel: name, group: 'group' } })
    await until('it arrives', () => received.deliveries.length === 1)
    expect({ ...received.deliveries[0]!.message.headers }).toEqual({ ...headers })
    received.settleAll()
    await received.drain()
  })

  it('past what amqplib can encode fail alone, before anything is written', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name))
    const tooMuch = wireMessage({ headers: headersOf({ big: 'x'.repeat(70_000) }) })
    const longName = wireMessage({ headers: headersOf({ ['n'.repeat(300)]: '' }) })
    const outcomes = await send(sender.connection, { channel: name }, [...many(2), tooMuch, longName, ...many(2)])
    expect(outcomes.map(codeOf)).toEqual([
      'confirmed',
      'confirmed',
      'tooLarge',
      'invalidArgument',
      'confirmed',
      'confirmed',
    ])
  })

  it('named as RabbitMQ’s own and as amqplib’s weak spot travel as data', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const headers = headersOf({
      CC: 'other',
      BCC: 'other',
      ['__proto__']: 'polluted',
      constructor: 'c',
      'x-delivery-count': '9',
      'x-death': 'd',
    })
    const [outcome] = await send(sender.connection, { channel: name }, [wireMessage({ headers })])
    expect(codeOf(outcome!)).toBe('confirmed')
    const received = await hold(receiver.connection, { source: { channel: name, group: 'group' } })
    await until('it arrives', () => received.deliveries.length === 1)
    const { message, deliveries } = received.deliveries[0]!
    expect(Object.entries(message.headers).sort()).toEqual(Object.entries(headers).sort())
    expect(deliveries).toBe(1)
    received.settleAll()
    await received.drain()
  })

  it('of a foreign producer with a table named __proto__ pollute nothing', async () => {
    const name = freshName()
    const receiver = await bench.open('receive', topologyOf(name))
    const raw = await bench.channel()
    const headers = Object.assign(Object.create(null), { ['__proto__']: { polluted: 'yes' }, mine: '1' })
    raw.sendToQueue(`${name}/group`, Buffer.from('x'), { headers })
    const received = await hold(receiver.connection, { source: { channel: name, group: 'group' } })
    await until('it arrives', () => received.deliveries.length === 1)
    const { headers: read } = received.deliveries[0]!.message
    expect(read['polluted']).toBe(undefined)
    expect(Object.keys(read)).toEqual(['mine', '__proto__'])
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
    received.settleAll()
    await received.drain()
  })
})

describe('delays', () => {
  const delaysMs = [100, 1_500]

  it('are a floor, and a long one does not hold up a short one behind it', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { delaysMs }))
    const arrivedAt: { [body: string]: number } = {}
    const received = await receive(
      receiver.connection,
      { source: { channel: name, group: 'group' } },
      ({ message }) => {
        arrivedAt[Buffer.from(message.body ?? []).toString()] = performance.now()
        return { kind: 'accept' }
      },
    )
    const to = { channel: name, group: 'group' }
    const startedAt = performance.now()
    await send(sender.connection, to, [wireMessage({ body: Buffer.from('long') })], 1_500)
    await send(sender.connection, to, [wireMessage({ body: Buffer.from('short') })], 100)
    await until('both arrive', () => received.deliveries.length === 2)
    expect(received.bodies).toEqual(['short', 'long'])
    expect(arrivedAt['short']! - startedAt).toBeGreaterThanOrEqual(100)
    expect(arrivedAt['long']! - startedAt).toBeGreaterThanOrEqual(1_500)
    expect(arrivedAt['long']! - startedAt).toBeLessThan(2_500)
    await received.drain()
  })

  it('between two tiers wait for the longer; past the longest, to a channel or in order they are refused', async () => {
    const [name, keyed] = [freshName(), freshName('keyed')]
    const channels = [
      ...topologyOf(name, { delaysMs }).channels,
      ...topologyOf(keyed, { keyed: true, delaysMs }).channels,
    ]
    const sender = await bench.open('send', { channels })
    const to = { channel: name, group: 'group' }
    expect((await send(sender.connection, to, many(1), 900)).map(codeOf)).toEqual(['confirmed'])
    expect(await bench.depth(`${name}/group/delay.1500`)).toBe(1)
    expect((await send(sender.connection, to, many(1), 1_501)).map(codeOf)).toEqual(['unsupported'])
    expect((await send(sender.connection, { channel: name }, many(1), 100)).map(codeOf)).toEqual(['unsupported'])
    expect((await send(sender.connection, { channel: keyed, group: 'group' }, many(1), 100)).map(codeOf)).toEqual([
      'unsupported',
    ])
  })

  it('of the greatest length are taken by the broker', async () => {
    const longest = bench.driver.capabilities.delayedSend?.toGroupMs ?? 0
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { delaysMs: [longest] }))
    expect((await send(sender.connection, { channel: name, group: 'group' }, many(1), longest)).map(codeOf)).toEqual([
      'confirmed',
    ])
    await sleep(200)
    expect(await bench.depth(`${name}/group/delay.${longest}`)).toBe(1)
  })
})

describe('shards', () => {
  it('take keys by hash, messages without a key in turn, and those of foreign publishers too', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { keyed: true }))
    await send(
      sender.connection,
      { channel: name },
      Array.from({ length: 8 }, () => wireMessage({ key: 'one' })),
    )
    await send(sender.connection, { channel: name, group: 'group' }, [wireMessage({ key: 'one' })])
    const depths = () => Promise.all([0, 1, 2, 3].map((shard) => bench.depth(`${name}/group/shard.${shard}`)))
    expect((await depths()).sort()).toEqual([0, 0, 0, 9])
    await send(sender.connection, { channel: name }, many(8))
    expect((await depths()).sort((a, b) => a - b)).toEqual([2, 2, 2, 11])
    const [first] = await depths()
    const raw = await (await bench.raw()).createConfirmChannel()
    raw.publish(name, 'whatever', Buffer.from('foreign'), { mandatory: true })
    await raw.waitForConfirms()
    expect((await depths())[0]).toBe(first! + 1)
  })

  it('with nobody bound are unroutable in spite of the alternate exchange', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { keyed: true, groups: [] }))
    const outcomes = await send(sender.connection, { channel: name }, [wireMessage({ key: 'k' }), wireMessage()])
    expect(outcomes.map(codeOf)).toEqual(['unroutable', 'unroutable'])
  })
})

describe('a sender', () => {
  it('keeps the order of what it is handed', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const bodies = Array.from({ length: 2_000 }, (_, index) => String(index))
    const batches = Array.from({ length: 8 }, (_, batch) => bodies.slice(batch * 250, batch * 250 + 250))
    await Promise.all(
      batches.map((batch) =>
        send(
          sender.connection,
          { channel: name },
          batch.map((body) => wireMessage({ body: Buffer.from(body) })),
        ),
      ),
    )
    const received = await receive(receiver.connection, { source: { channel: name, group: 'group' } }, () => ({
      kind: 'accept',
    }))
    await until('all arrive', () => received.bodies.length === 2_000)
    expect(received.bodies).toEqual(bodies)
    await received.drain()
  })

  it('fails what is not provisioned', async () => {
    const sender = await bench.open('send')
    const outcomes = await send(sender.connection, { channel: freshName() }, many(2))
    expect(outcomes.map(codeOf)).toEqual(['failedPrecondition', 'failedPrecondition'])
    expect(outcomes.every(({ error }) => MessagingError.is(error))).toBe(true)
  })

  it('answers everything when it closes in the middle, the flood that amqplib buffers included', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name))
    const sends = Array.from({ length: 20 }, () => send(sender.connection, { channel: name }, many(256)))
    await sender.connection.close()
    expect(new Set((await Promise.all(sends)).flat().map(codeOf))).toEqual(new Set(['confirmed']))
    expect(await bench.depth(`${name}/group`)).toBe(20 * 256)
    const [late] = await send(sender.connection, { channel: name }, many(1))
    expect(codeOf(late!)).toBe('unavailable')
  })
})
