import { MessagingError } from '@waybill/core/driver'
import { afterAll, describe, expect, it } from 'vitest'
import { sleep } from '@waybill/conformance'
import {
  freshName,
  numbered,
  type Outcome,
  receive,
  send,
  topologyOf,
  until,
  wireMessage,
} from '@waybill/conformance/bench'
import { headersOf } from '@waybill/core/driver'
import { Bench, brokerUrl } from './kafka-bench.ts'
import { SilentProxy } from './silent-proxy.ts'

const bench = new Bench()
const proxies: SilentProxy[] = []
afterAll(async () => {
  await bench.close()
  for (const proxy of proxies) proxy.close()
})

const group = 'group'
const codeOf = ({ error }: Outcome) => (error === undefined ? 'confirmed' : bench.driver.classify(error))

async function throughProxy(name: string) {
  const proxy = await SilentProxy.open(brokerUrl)
  proxies.push(proxy)
  const sender = await bench.open('send', topologyOf(name, { settings: { partitions: 1 } }), bench.through(proxy.url))
  return { proxy, ...sender }
}

describe('a sender', () => {
  it('keeps the order of what it is handed', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { keyed: true }))
    const messages = numbered(2_000, { key: 'one' })
    const batches = Array.from({ length: 8 }, (_, batch) => messages.slice(batch * 250, batch * 250 + 250))
    const outcomes = await Promise.all(batches.map((batch) => send(sender.connection, { channel: name }, batch)))
    expect(new Set(outcomes.flat().map(codeOf))).toEqual(new Set(['confirmed']))
    expect(await bench.bodies(name)).toEqual(messages.map(({ body }) => String(body)))
  })

  it('spreads keys and messages without one over all partitions', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name))
    await send(sender.connection, { channel: name }, numbered(9))
    const counts = [0, 1, 2].map(() => 0)
    for (const { partition } of await bench.records(name)) counts[partition]!++
    expect(counts).toEqual([3, 3, 3])
  })

  it('fails what is not provisioned, and what is to be delayed', async () => {
    const name = freshName()
    const sender = await bench.open('send')
    const [outcome] = await send(sender.connection, { channel: name }, numbered(1))
    expect([codeOf(outcome!), outcome!.outcome]).toEqual(['failedPrecondition', 'notSent'])
    expect(MessagingError.is(outcome!.error)).toBe(true)
    await sender.connection.provision(topologyOf(name), 'create')
    const delayed = await new Promise((resolve) =>
      sender.connection.send({ channel: name, group }, [{ message: wireMessage(), delayMs: 5 }], (_, failure) =>
        resolve(failure),
      ),
    )
    expect(codeOf(delayed as Outcome)).toBe('unsupported')
  })

  it('answers everything when it closes in the middle, and stores it', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name))
    const sends = Array.from({ length: 10 }, () => send(sender.connection, { channel: name }, numbered(250)))
    await sender.connection.close()
    expect(new Set((await Promise.all(sends)).flat().map(codeOf))).toEqual(new Set(['confirmed']))
    expect((await bench.records(name)).length).toBe(2_500)
    const [late] = await send(sender.connection, { channel: name }, numbered(1))
    expect(codeOf(late!)).toBe('unavailable')
    expect(sender.events).toEqual([])
  })
})

describe('the size limit', () => {
  it('passes at the limit; one past it fails alone', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { settings: { partitions: 1 } }))
    const { maxBodyBytes, maxHeaderBytes } = bench.driver.capabilities
    const headers = headersOf({ big: 'h'.repeat(maxHeaderBytes - 1_000) })
    const atLimit = wireMessage({ body: Buffer.alloc(maxBodyBytes), headers })
    const beyond = wireMessage({ body: Buffer.alloc(1_048_588) })
    const outcomes = await send(sender.connection, { channel: name }, [...numbered(2), beyond, atLimit, ...numbered(2)])
    expect(outcomes.map(codeOf)).toEqual(['confirmed', 'confirmed', 'tooLarge', 'confirmed', 'confirmed', 'confirmed'])
    expect(outcomes[2]!.outcome).toBe('notSent')
    expect((await bench.records(name)).length).toBe(5)
  })

  it('is the topic’s own', async () => {
    const name = freshName()
    await bench.makeTopic(name, 1, { 'max.message.bytes': '2000' })
    const sender = await bench.open('send', topologyOf(name))
    const messages = [1_000, 1_000, 1_000, 3_000, 1_000].map((size) => wireMessage({ body: Buffer.alloc(size) }))
    const outcomes = await send(sender.connection, { channel: name }, messages)
    expect(outcomes.map(codeOf)).toEqual(['confirmed', 'confirmed', 'confirmed', 'tooLarge', 'confirmed'])
  })

  it('may become less: the guilty fail, the innocent are to be sent again', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { settings: { partitions: 1 } }))
    const configEntries = [{ name: 'max.message.bytes', value: '2000' }]
    const admin = await bench.fresh()
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name, configEntries }] })
    await sleep(500)
    const messages = [100, 3_000].map((size) => wireMessage({ body: Buffer.alloc(size) }))
    expect((await send(sender.connection, { channel: name }, messages)).map(codeOf)).toEqual([
      'unavailable',
      'tooLarge',
    ])
    expect((await send(sender.connection, { channel: name }, messages)).map(codeOf)).toEqual(['confirmed', 'tooLarge'])
  })

  it('may be 40 MB, and what is sent then is read', async () => {
    const name = freshName()
    const roomy = new Bench({ partitions: 1, maxMessageBytes: 48_000_000 })
    const { sender, receiver } = await roomy.pair(topologyOf(name))
    const [outcome] = await send(sender.connection, { channel: name }, [
      wireMessage({ body: Buffer.alloc(40_000_000) }),
    ])
    expect(codeOf(outcome!)).toBe('confirmed')
    const received = await receive(receiver.connection, { source: { channel: name, group } })
    await until('it arrives', () => received.deliveries.length === 1, 20_000)
    expect(received.deliveries[0]!.message.body?.byteLength).toBe(40_000_000)
    await received.drain()
    expect(receiver.events).toEqual([])
    await roomy.close()
  }, 40_000)

  it('of a request is kept by splitting, in order', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { keyed: true }))
    const messages = Array.from({ length: 30 }, (_, n) =>
      wireMessage({ key: 'k', body: Buffer.concat([Buffer.from(`${n} `), Buffer.alloc(100_000, 'x')]) }),
    )
    expect(new Set((await send(sender.connection, { channel: name }, messages)).map(codeOf))).toEqual(
      new Set(['confirmed']),
    )
    const order = (await bench.bodies(name)).map((body) => Number(body.split(' ', 1)))
    expect(order).toEqual(messages.map((_, n) => n))
  })
})

describe('a topic that is gone', () => {
  it('fails what is sent to it, no neighbour, and heals by provisioning on the same connection', async () => {
    const [doomed, other, third] = [freshName('doomed'), freshName('other'), freshName('third')]
    const channels = [doomed, other, third].flatMap((name) => topologyOf(name).channels)
    const sender = await bench.open('send', { channels })
    for (const channel of [doomed, other]) await send(sender.connection, { channel }, numbered(1))
    await (await bench.fresh()).deleteTopics({ topics: [doomed] })
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const channel = [doomed, other, third][index % 3]!
        return send(sender.connection, { channel }, numbered(20)).then((outcomes) => ({ channel, outcomes }))
      }),
    )
    for (const { channel, outcomes } of all) {
      const expected = channel === doomed ? 'notFound notSent' : 'confirmed undefined'
      expect(new Set(outcomes.map((each) => `${codeOf(each)} ${each.outcome}`))).toEqual(new Set([expected]))
    }
    await sender.connection.provision({ channels }, 'create')
    expect((await send(sender.connection, { channel: doomed }, numbered(1))).map(codeOf)).toEqual(['confirmed'])
    expect(sender.events).toEqual([])
  }, 60_000)
})

describe('what is on the wire', () => {
  it('tells no key from an empty one, and no value from an empty one', async () => {
    const name = freshName()
    const sender = await bench.open('send', topologyOf(name, { settings: { partitions: 1 } }))
    await send(sender.connection, { channel: name }, [
      wireMessage(),
      wireMessage({ key: '' }),
      wireMessage({ key: 'k', body: undefined }),
      wireMessage({ key: 'k', body: Buffer.alloc(0) }),
    ])
    const records = await bench.records(name)
    const wire = records.map(({ key, value }) => [key, value].map((bytes) => bytes?.toString('latin1') ?? null))
    expect(wire).toEqual([
      [null, 'body'],
      ['', 'body'],
      ['k', null],
      ['k', ''],
    ])
  })

  it('has headers as bytes, whatever they are called, and gives them back', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { settings: { partitions: 1 } }))
    const headers = headersOf({
      ['__proto__']: 'p',
      constructor: 'c',
      ä: 'ö😀',
      ce_id: 'x',
      empty: '',
      'waybill-key': 'w',
    })
    await send(sender.connection, { channel: name }, [wireMessage({ headers })])
    const [record] = await bench.records(name)
    expect(Object.keys(record!.headers ?? {})).toContain('waybill-header-ce_id')
    const received = await receive(receiver.connection, { source: { channel: name, group } })
    await until('it arrives', () => received.deliveries.length === 1)
    await received.drain()
    expect(Object.entries(received.deliveries[0]!.message.headers)).toEqual(Object.entries(headers))
  })

  it('takes all headers that are declared', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { settings: { partitions: 1 } }))
    const { maxHeaderBytes, maxHeaders = 0, maxBodyBytes } = bench.driver.capabilities
    const names = Array.from({ length: maxHeaders + 16 }, (_, index) => `ce_a${index}`)
    const value = 'v'.repeat(Math.floor((maxHeaderBytes - Buffer.byteLength(names.join('')) - 200) / names.length))
    const headers = headersOf(Object.fromEntries(names.map((each) => [each, value])))
    const message = wireMessage({ headers, body: Buffer.alloc(maxBodyBytes) })
    expect((await send(sender.connection, { channel: name }, [message])).map(codeOf)).toEqual(['confirmed'])
    const received = await receive(receiver.connection, { source: { channel: name, group } })
    await until('it arrives', () => received.deliveries.length === 1)
    await received.drain()
    expect({ ...received.deliveries[0]!.message.headers }).toEqual({ ...headers })
  })
})

describe('a compacted topic', () => {
  it('takes tombstones, and refuses what has no key alone', async () => {
    const name = freshName()
    await bench.makeTopic(name, 1, { 'cleanup.policy': 'compact' })
    const sender = await bench.open('send', topologyOf(name))
    const messages = [wireMessage({ key: 'k' }), wireMessage(), wireMessage({ key: 'k', body: undefined })]
    const outcomes = await send(sender.connection, { channel: name }, messages)
    expect(outcomes.map(codeOf)).toEqual(['confirmed', 'invalidArgument', 'confirmed'])
  })

  it('of dead letters has each under a key of its own, and is read back with the key it had', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name))
    const dead = { channel: name, group, lane: 'dead' } as const
    const same = wireMessage({ key: 'customer', headers: headersOf({ attempt: '1' }) })
    const again = { ...same, headers: headersOf({ attempt: '2' }) }
    await send(sender.connection, dead, [same, same, again, wireMessage({ body: undefined })])
    const keys = (await bench.records(`${name}..group..dead`)).map(({ key }) => String(key))
    expect(keys[0]).toBe(keys[1])
    expect(new Set(keys).size).toBe(3)
    const browsed = await receive(receiver.connection, { source: dead, intent: 'browse' }, () => ({ kind: 'release' }))
    expect(await browsed.ended).toBe(undefined)
    await browsed.drain()
    const seen = browsed.deliveries.map(({ message: { key, headers, body } }) => [key, headers.attempt, body?.length])
    expect(seen).toEqual([
      ['customer', '1', 4],
      ['customer', '2', 4],
      [undefined, undefined, undefined],
    ])
  })
})

describe('what is for one group alone', () => {
  it('comes to no other', async () => {
    const name = freshName()
    const { sender, receiver } = await bench.pair(topologyOf(name, { groups: ['one', 'other'], delaysMs: [100] }))
    const listen = (each: string) => receive(receiver.connection, { source: { channel: name, group: each } })
    const [one, other] = [await listen('one'), await listen('other')]
    const temporary = await receive(receiver.connection, { source: { channel: name, group: 'mine' }, temporary: true })
    const text = (body: string) => [wireMessage({ body: Buffer.from(body) })]
    await send(sender.connection, { channel: name, group: 'one' }, text('for one'))
    await send(sender.connection, { channel: name, group: 'mine' }, text('for me'))
    await send(sender.connection, { channel: name }, text('for all'))
    const all = [one, other, temporary]
    await until('all have theirs', () => all.reduce((sum, { bodies }) => sum + bodies.length, 0) >= 5)
    await sleep(200)
    for (const each of all) await each.drain()
    expect(all.map(({ bodies }) => bodies.toSorted())).toEqual([
      ['for all', 'for one'],
      ['for all'],
      ['for all', 'for me'],
    ])
    expect(await bench.bodies(`${name}..one`)).toEqual(['for one'])
  })
})

describe('an answer that gets lost', () => {
  it('in a goodbye is asked for again with the same sequence: the broker stores once', async () => {
    const name = freshName()
    const { proxy, connection, events } = await throughProxy(name)
    await send(connection, { channel: name }, numbered(1))
    proxy.isSilent = true
    const sent = send(connection, { channel: name }, numbered(3, { key: 'k' }))
    await until('the broker has answered', () => proxy.swallowed > 0)
    proxy.isSilent = false
    proxy.hangUp()
    expect((await sent).map(codeOf)).toEqual(['confirmed', 'confirmed', 'confirmed'])
    await send(connection, { channel: name }, numbered(2))
    expect(await bench.bodies(name)).toEqual(['0', '0', '1', '2', '0', '1'])
    expect(events).toEqual([])
  })

  it('in a reset ends the epoch: what was under way is unknown, at once', async () => {
    const name = freshName()
    const { proxy, connection, events } = await throughProxy(name)
    await send(connection, { channel: name }, numbered(1))
    proxy.isSilent = true
    const sent = send(connection, { channel: name }, numbered(3))
    const later = send(connection, { channel: name }, numbered(3))
    await until('the broker has answered', () => proxy.swallowed > 0)
    const before = performance.now()
    proxy.reset()
    expect((await sent).map((each) => `${codeOf(each)} ${each.outcome}`)).toEqual(
      new Array(3).fill('unavailable unknown'),
    )
    expect((await later).map((each) => `${codeOf(each)} ${each.outcome}`)).toEqual(
      new Array(3).fill('unavailable notSent'),
    )
    expect(performance.now() - before).toBeLessThan(1_000)
    expect(events.map(({ kind }) => kind)).toEqual(['lost'])
    expect((await bench.bodies(name)).length).toBe(4)
  })

  it('and none after it, is noticed within two heartbeats', async () => {
    const name = freshName()
    const { proxy, events } = await throughProxy(name)
    const before = performance.now()
    proxy.isSilent = true
    await until('it is noticed', () => events.length > 0)
    expect(events.map(({ kind }) => kind)).toEqual(['lost'])
    expect(performance.now() - before).toBeLessThan(4_000 + 500)
  })
})
