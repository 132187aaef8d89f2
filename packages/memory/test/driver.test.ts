import { describe, expect, test } from 'vitest'
import { accept, isSettled, open, release, sendOn, source, textOf, turn, wire } from './support.ts'

const dead = { ...source, lane: 'dead' } as const

describe('groups', () => {
  test('each gets a copy, members of one compete in turn', async () => {
    const site = await open({ groups: ['billing', 'shipping'] })
    const first = await site.listen({ maxInFlight: 10 })
    const second = await site.listen({ maxInFlight: 10 })
    const other = await site.listen({ source: { channel: 'orders', group: 'shipping' } })
    await site.send({ channel: 'orders' }, 'a', 'b', 'c', 'd')
    await turn()
    expect(first.texts()).toEqual(['a', 'c'])
    expect(second.texts()).toEqual(['b', 'd'])
    expect(other.texts()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('one message at a time goes round', async () => {
    const site = await open()
    const members = [await site.listen(), await site.listen(), await site.listen()]
    for (const text of ['a', 'b', 'c', 'd']) {
      await site.send({ channel: 'orders' }, text)
      await turn()
    }
    expect(members.map((each) => each.texts())).toEqual([['a', 'd'], ['b'], ['c']])
  })

  test('a message to one group reaches it alone', async () => {
    const site = await open({ groups: ['billing', 'shipping'] })
    await site.send(source, 'a')
    expect(site.broker.depth(source).ready).toBe(1)
    expect(site.broker.depth({ channel: 'orders', group: 'shipping' }).ready).toBe(0)
  })

  test('a temporary group is there from listening to draining', async () => {
    const site = await open({ groups: [] })
    expect((await site.send({ channel: 'orders' }, 'before'))[0]?.error).toMatchObject({ code: 'unroutable' })
    const mine = { channel: 'orders', group: 'mine' }
    const recorder = await site.listen({ source: mine, temporary: true })
    expect(await site.send({ channel: 'orders' }, 'a')).toEqual([undefined])
    expect(await site.send(mine, 'reply')).toEqual([undefined])
    await turn()
    expect(recorder.texts()).toEqual(['a', 'reply'])
    for (const held of [...recorder.open]) await held.settle(accept)
    await recorder.listener.drain()
    expect(site.broker.entities()).toEqual(['orders'])
    expect((await site.send(mine, 'late'))[0]?.error).toMatchObject({ code: 'notFound' })
  })

  test('a temporary group goes with its connection', async () => {
    const site = await open({ groups: [] })
    await site.listen({ source: { channel: 'orders', group: 'mine' }, temporary: true })
    site.broker.faults.disconnect({ role: 'receive' })
    expect(site.broker.entities()).toEqual(['orders'])
  })
})

describe('settlement', () => {
  test('release gives back to the front, in the original order, at once', async () => {
    const site = await open()
    await site.send({ channel: 'orders' }, 'a', 'b', 'c', 'd')
    const first = await site.listen({ maxInFlight: 3 })
    const drained = first.listener.drain()
    for (const held of [first.open[1], first.open[2], first.open[0]]) await held?.settle(release)
    await drained
    const second = await site.listen()
    expect(second.texts()).toEqual(['a', 'b', 'c', 'd'])
    expect(second.all.map((held) => held.delivery.deliveries)).toEqual([2, 2, 2, 1])
  })

  test('no more than maxInFlight are out, and one more after each settlement', async () => {
    const site = await open()
    const recorder = await site.listen({ maxInFlight: 2 })
    await site.send({ channel: 'orders' }, 'a', 'b', 'c', 'd')
    await turn()
    expect(recorder.texts()).toEqual(['a', 'b'])
    await recorder.open[1]?.settle(accept)
    expect(recorder.texts()).toEqual(['a', 'b', 'c'])
    expect(await site.receiver.inspect(source, new AbortController().signal)).toMatchObject({ ready: 1, unsettled: 2 })
  })

  test('bytes in flight are bounded, one message over', async () => {
    const site = await open()
    const recorder = await site.listen({ maxInFlightBytes: 5 })
    await site.send({ channel: 'orders' }, 'four', 'five', 'six')
    await turn()
    expect(recorder.texts()).toEqual(['four', 'five'])
    await recorder.open[0]?.settle(accept)
    expect(recorder.texts()).toEqual(['four', 'five', 'six'])
  })

  test('what a lost connection had comes again in order, counted', async () => {
    const site = await open()
    await site.send({ channel: 'orders' }, 'a', 'b', 'c')
    const first = await site.listen({ maxInFlight: 2 })
    const lease = first.all[0]?.delivery.lease
    site.broker.faults.disconnect({ role: 'receive' })
    await turn()
    expect(lease?.state).toBe('lost')
    expect(site.events.map((event) => event.kind)).toEqual(['lost'])
    expect(await first.listener.ended).toMatchObject({ code: 'unavailable' })
    const second = await site.listen({}, await site.connect('receive'))
    await first.open[0]?.settle(accept)
    expect(second.texts()).toEqual(['a', 'b', 'c'])
    expect(second.all.map((held) => held.delivery.deliveries)).toEqual([2, 2, 1])
    await expect(site.listen()).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('drain waits for what is out, and delivers nothing more', async () => {
    const site = await open()
    const recorder = await site.listen()
    await site.send({ channel: 'orders' }, 'a')
    await turn()
    const drained = recorder.listener.drain()
    await site.send({ channel: 'orders' }, 'b')
    expect(await isSettled(drained)).toBe(false)
    await recorder.open[0]?.settle(accept)
    await drained
    expect(recorder.texts()).toEqual(['a'])
    expect(site.broker.depth(source)).toEqual({ ready: 1, unsettled: 0, delayed: 0 })
  })

  test("bodies are the broker's own: later changes by the sender are not seen", async () => {
    const site = await open()
    const body = Buffer.from('before')
    await site.send({ channel: 'orders' }, wire('x', { body }))
    body.fill('!')
    const recorder = await site.listen()
    expect(recorder.texts()).toEqual(['before'])
    await site.send(
      { channel: 'orders' },
      wire('tombstone', { body: undefined }),
      wire('empty', { body: Buffer.alloc(0) }),
    )
    await turn()
    expect(recorder.all[1]?.delivery.message.body).toBeUndefined()
    expect(recorder.all[2]?.delivery.message.body?.byteLength).toBe(0)
  })

  test('position and native say where the message is', async () => {
    const site = await open()
    const recorder = await site.listen()
    await site.send({ channel: 'orders' }, 'a')
    await turn()
    expect(recorder.all[0]?.delivery.position).toBe('orders/billing@1')
    expect(recorder.all[0]?.delivery.native).toMatchObject({ lane: 'orders/billing', sequence: 1 })
  })
})

describe('keys', () => {
  const keyed = (text: string, key?: string) => wire(text, { key })

  test('a key has one owner until nothing of it is unsettled, then moves', async () => {
    const site = await open({ keyed: true })
    const first = await site.listen({ order: 'key', maxInFlight: 1 })
    const second = await site.listen({ order: 'key', maxInFlight: 5 })
    await site.send({ channel: 'orders' }, keyed('a1', 'a'), keyed('a2', 'a'), keyed('b1', 'b'), keyed('none'))
    await turn()
    expect(first.texts()).toEqual(['a1'])
    expect(second.texts()).toEqual(['b1', 'none'])
    void first.listener.drain()
    await turn()
    expect(second.texts()).toEqual(['b1', 'none'])
    await first.open[0]?.settle(release)
    expect(second.texts()).toEqual(['b1', 'none', 'a1', 'a2'])
  })

  test('keys move when their owner is lost, in order', async () => {
    const site = await open({ keyed: true })
    const connection = await site.connect('receive')
    const first = await site.listen({ order: 'key' }, connection)
    await site.send({ channel: 'orders' }, keyed('a1', 'a'), keyed('a2', 'a'))
    await turn()
    expect(first.texts()).toEqual(['a1', 'a2'])
    const second = await site.listen({ order: 'key' })
    await site.send({ channel: 'orders' }, keyed('a3', 'a'))
    await turn()
    await connection.close()
    await turn()
    expect([...first.texts(), ...second.texts()]).toEqual(['a1', 'a2', 'a3', 'a1', 'a2', 'a3'])
  })

  test('blockedKeyHolds: a blocked key takes one place only', async () => {
    const site = await open({ keyed: true, capabilities: { blockedKeyHolds: 'key' } })
    const recorder = await site.listen({ order: 'key', maxInFlight: 2 })
    const many = Array.from({ length: 50 }, (_, index) => keyed(`a${index}`, 'a'))
    await site.send({ channel: 'orders' }, ...many, keyed('b0', 'b'), keyed('b1', 'b'))
    await turn()
    expect(recorder.texts()).toEqual(['a0', 'b0'])
    await recorder.open[1]?.settle(accept)
    expect(recorder.texts()).toEqual(['a0', 'b0', 'b1'])
  })

  test('order by key on a group without it is refused', async () => {
    const site = await open()
    await expect(site.listen({ order: 'key' })).rejects.toMatchObject({ code: 'failedPrecondition' })
    const bare = await open({ profile: 'bare' })
    await expect(bare.listen({ order: 'key' })).rejects.toMatchObject({ code: 'unsupported' })
  })
})

describe('delays', () => {
  test('not early, not late, to a group and to a channel', async () => {
    const site = await open()
    const recorder = await site.listen()
    await site.sendLater(source, 'group', 100)
    await site.sendLater({ channel: 'orders' }, 'channel', 50)
    await site.send(source, 'now')
    site.clock.advance(49)
    await turn()
    expect(recorder.texts()).toEqual(['now'])
    site.clock.advance(1)
    await turn()
    site.clock.advance(49)
    await turn()
    expect(recorder.texts()).toEqual(['now', 'channel'])
    site.clock.advance(1)
    await turn()
    expect(recorder.texts()).toEqual(['now', 'channel', 'group'])
  })

  test('survive that all connections are gone, without a timer then', async () => {
    const site = await open()
    await site.sendLater(source, 'late', 100)
    await site.sender.close()
    await site.receiver.close()
    expect(site.clock.pendingTimers).toBe(0)
    site.clock.advance(500)
    expect(site.broker.depth(source)).toEqual({ ready: 0, unsettled: 0, delayed: 1 })
    const recorder = await site.listen({}, await site.connect('receive'))
    expect(recorder.texts()).toEqual(['late'])
  })

  test('beyond the maximum they are refused', async () => {
    const limits = { toGroupMs: 100, toChannelMs: 0, granularityMs: 1, tiersOnly: false, withOrder: true }
    const site = await open({ capabilities: { delayedSend: limits } })
    expect(await site.sendLater(source, 'a', 100)).toBeUndefined()
    expect(await site.sendLater(source, 'a', 101)).toMatchObject({ error: { code: 'unsupported' }, outcome: 'notSent' })
    expect(await site.sendLater({ channel: 'orders' }, 'a', 1)).toMatchObject({ error: { code: 'unsupported' } })
  })

  test('tiersOnly: only what was provisioned', async () => {
    const site = await open({ profile: 'tiers', delaysMs: [100, 500] })
    expect(await site.sendLater(source, 'a', 100)).toBeUndefined()
    expect(await site.sendLater(source, 'a', 101)).toMatchObject({ error: { code: 'unsupported' } })
  })

  test('withOrder: false refuses delays where order is kept', async () => {
    const site = await open({ profile: 'tiers', delaysMs: [100], keyed: true })
    expect(await site.sendLater(source, 'a', 100)).toMatchObject({ error: { code: 'unsupported' } })
  })

  test('retry in place delivers the same message again, counted, by steps of the granularity', async () => {
    const site = await open({ profile: 'inPlace' })
    const recorder = await site.listen()
    await site.send(source, 'a')
    await turn()
    await recorder.open[0]?.settle({ kind: 'retry', delayMs: 1_200 })
    site.clock.advance(1_999)
    await turn()
    expect(recorder.texts()).toEqual(['a'])
    site.clock.advance(1)
    await turn()
    expect(recorder.all.map((held) => held.delivery.deliveries)).toEqual([1, 2])
  })

  test('retry in place where it is not declared is reported, and the message comes again', async () => {
    const site = await open()
    const recorder = await site.listen()
    await site.send(source, 'a')
    await turn()
    await recorder.open[0]?.settle({ kind: 'retry', delayMs: 10 })
    expect(site.events).toMatchObject([{ kind: 'settleFailed', error: { code: 'unsupported' } }])
    expect(recorder.texts()).toEqual(['a', 'a'])
  })

  test('delay lanes are those that were provisioned', async () => {
    const site = await open({ profile: 'lanes', delaysMs: [100] })
    expect(await site.send({ ...source, lane: 'delay.100' }, 'a')).toEqual([undefined])
    expect((await site.send({ ...source, lane: 'delay.7' }, 'a'))[0]?.error).toMatchObject({ code: 'notFound' })
    const recorder = await site.listen({ source: { ...source, lane: 'delay.100' } })
    expect(recorder.texts()).toEqual(['a'])
    expect((await (await open()).send({ ...source, lane: 'delay.100' }, 'a'))[0]?.error).toMatchObject({
      code: 'notFound',
    })
  })
})

describe('dead letters', () => {
  test('browsing shows each once, hides it until drained, removes what is accepted', async () => {
    const site = await open()
    await site.send(dead, 'a', 'b', 'c')
    const recorder = await site.listen({ source: dead, intent: 'browse', maxInFlight: 1 })
    await site.send(dead, 'd')
    expect(await recorder.listener.ended).toBeUndefined()
    await turn()
    expect(recorder.texts()).toEqual(['a', 'b', 'c'])
    await recorder.open[1]?.settle(accept)
    await recorder.open[0]?.settle(release)
    expect(site.broker.depth(dead)).toEqual({ ready: 1, unsettled: 2, delayed: 0 })
    const drained = recorder.listener.drain()
    expect(await isSettled(drained)).toBe(false)
    await recorder.open[0]?.settle(release)
    await drained
    expect(site.broker.messages(dead).map(textOf)).toEqual(['a', 'c', 'd'])
    expect(site.broker.depth(dead).unsettled).toBe(0)
  })

  test('an empty lane ends at once', async () => {
    const site = await open()
    const recorder = await site.listen({ source: dead, intent: 'browse' })
    expect(await recorder.listener.ended).toBeUndefined()
    await recorder.listener.drain()
  })

  test('a lost connection gives everything back', async () => {
    const site = await open()
    await site.send(dead, 'a', 'b')
    const recorder = await site.listen({ source: dead, intent: 'browse' })
    site.broker.faults.disconnect({ role: 'receive' })
    expect(await recorder.listener.ended).toBeUndefined()
    expect(site.broker.depth(dead)).toEqual({ ready: 2, unsettled: 0, delayed: 0 })
  })

  test('native: the settlement carries the record, a send is refused', async () => {
    const site = await open({ profile: 'native' })
    const recorder = await site.listen()
    await site.send(source, wire('a', { headers: Object.assign(Object.create(null), { mine: '1' }) }))
    await turn()
    await recorder.open[0]?.settle({ kind: 'deadLetter', reason: 'bad', headers: { why: 'bad' } })
    const [letter] = site.broker.messages(dead)
    expect({ ...letter?.headers }).toEqual({ mine: '1', why: 'bad' })
    expect(Object.getPrototypeOf(letter?.headers)).toBeNull()
    expect((await site.send(dead, 'b'))[0]?.error).toMatchObject({ code: 'unsupported' })
  })
})

describe('other capabilities', () => {
  test('cumulative: only the unbroken run is settled, the rest comes again', async () => {
    const site = await open({ profile: 'lanes' })
    const connection = await site.connect('receive')
    const first = await site.listen({}, connection)
    await site.send(source, 'a', 'b', 'c', 'd')
    await turn()
    await first.open[2]?.settle(accept)
    await first.open[0]?.settle(accept)
    expect(site.broker.depth(source)).toEqual({ ready: 0, unsettled: 3, delayed: 0 })
    await connection.close()
    const second = await site.listen()
    expect(second.texts()).toEqual(['b', 'c', 'd'])
    expect(second.all[0]?.delivery.deliveries).toBeUndefined()
  })

  test('release at drain: nothing comes back before', async () => {
    const site = await open({ capabilities: { release: 'atDrain' } })
    const first = await site.listen()
    await site.send(source, 'a', 'b')
    await turn()
    await first.open[0]?.settle(release)
    const second = await site.listen()
    expect(second.texts()).toEqual([])
    void first.listener.drain()
    await first.open[0]?.settle(accept)
    expect(second.texts()).toEqual(['a'])
  })

  test('attemptsOnly: a release is not counted', async () => {
    const site = await open({ capabilities: { deliveries: 'attemptsOnly' } })
    const recorder = await site.listen()
    await site.send(source, 'a')
    await turn()
    await recorder.open[0]?.settle(release)
    expect(recorder.all.map((held) => held.delivery.deliveries)).toEqual([1, 1])
  })

  test('holdMs: what is held for longer is lost and comes again', async () => {
    const site = await open({ capabilities: { holdMs: 1_000 } })
    const recorder = await site.listen({ maxInFlight: 2 })
    await site.send(source, 'a')
    await turn()
    site.clock.advance(500)
    await site.send(source, 'b')
    await turn()
    site.clock.advance(500)
    await turn()
    expect(recorder.all.map((held) => held.delivery.lease.state)).toEqual(['lost', 'held'])
    await recorder.open[0]?.settle(accept)
    expect(recorder.texts()).toEqual(['a', 'b', 'a'])
  })

  test('maxDeliveries: the backstop puts the message with the dead ones', async () => {
    const site = await open({
      profile: 'inPlace',
      capabilities: { retryInPlace: { maxMs: 1_000, granularityMs: 1, maxDeliveries: 2 } },
    })
    const recorder = await site.listen()
    await site.send(source, 'a')
    await turn()
    for (const _ of [1, 2]) await recorder.open[0]?.settle({ kind: 'retry', delayMs: 0 })
    expect(recorder.texts()).toEqual(['a', 'a'])
    expect(site.broker.messages(dead).map(textOf)).toEqual(['a'])
  })

  test('nativeExpiry drops what is past its time', async () => {
    const site = await open({ capabilities: { nativeExpiry: true } })
    const expiring = (text: string, at: number) => {
      const extensions = Object.assign(Object.create(null), { expirytime: new Date(at).toISOString() })
      return wire(text, { extensions })
    }
    const now = site.clock.now()
    await site.send(source, expiring('old', now), expiring('young', now + 1))
    const recorder = await site.listen()
    expect(recorder.texts()).toEqual(['young'])
    expect(site.broker.depth(source)).toEqual({ ready: 0, unsettled: 1, delayed: 0 })
  })

  test('replay: a new group may start at the oldest message, once', async () => {
    const site = await open({ capabilities: { replay: ['oldest', 'time', 'position'] } })
    await site.send({ channel: 'orders' }, 'a', 'b')
    const late = { channel: 'orders', group: 'late' }
    const topology = { channels: [{ name: 'orders', keyed: false, groups: [{ name: 'late', delaysMs: [] }] }] }
    await site.receiver.provision(topology, 'create')
    await site.send({ channel: 'orders' }, 'c')
    const first = await site.listen({ source: late, from: 'oldest' })
    expect(first.texts()).toEqual(['a', 'b', 'c'])
    const second = await site.listen({ source: late, from: 'oldest' })
    expect(second.texts()).toEqual([])
    const temporary = await site.listen({ source: { channel: 'orders', group: 't' }, temporary: true, from: 'oldest' })
    expect(temporary.texts()).toEqual(['a', 'b', 'c'])
    await expect((await open()).listen({ from: 'oldest' })).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('membersPerGroup, byteBound and temporary are enforced', async () => {
    const site = await open({ profile: 'bare' })
    await site.listen()
    await expect(site.listen()).rejects.toMatchObject({ code: 'unsupported' })
    await expect(site.listen({ maxInFlightBytes: 1 })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(site.listen({ temporary: true })).rejects.toMatchObject({ code: 'unsupported' })
    expect(await site.receiver.inspect(source, new AbortController().signal)).toEqual({})
  })

  test('sizes: at the limit taken, one past it refused before storing', async () => {
    const site = await open({ capabilities: { maxBodyBytes: 4, maxHeaderBytes: 100, maxHeaders: 1 } })
    const header = (length: number) =>
      wire('', {
        id: undefined,
        source: undefined,
        type: undefined,
        contentType: undefined,
        headers: { h: 'é'.repeat(length) },
      })
    const results = await site.send(
      source,
      'four',
      'fives',
      header(49),
      header(50),
      wire('', { headers: { a: '1', b: '2' } }),
    )
    expect(results.map((each) => (each?.error as { code: string } | undefined)?.code)).toEqual([
      undefined,
      'tooLarge',
      undefined,
      'tooLarge',
      'tooLarge',
    ])
    expect(site.broker.depth(source).ready).toBe(2)
  })

  test('batches past the limit are refused whole; perEntryResult: false fails neighbours too', async () => {
    const send = {
      maxBatch: 2,
      maxBatchBytes: 6,
      maxBatchesInFlight: 1,
      perEntryResult: false,
      detectsUnroutable: true,
      keyed: 'pipelined',
    } as const
    const site = await open({ capabilities: { send, maxBodyBytes: 5 } })
    expect((await site.send(source, 'a', 'b', 'c')).every((each) => each?.outcome === 'notSent')).toBe(true)
    expect((await site.send(source, 'four', 'for')).every((each) => each?.outcome === 'notSent')).toBe(true)
    expect((await site.send(source, 'toolong', 'b'))[1]).toMatchObject({ outcome: 'notSent' })
    expect(site.broker.depth(source).ready).toBe(0)
  })
})

describe('topology', () => {
  const topology = (keyed: boolean, group = 'billing') => ({
    channels: [{ name: 'orders', keyed, groups: [{ name: group, delaysMs: [] }] }],
  })

  test('create ten times at once is as once', async () => {
    const site = await open()
    const reports = await Promise.all(
      Array.from({ length: 10 }, () => site.receiver.provision(topology(false), 'create')),
    )
    for (const report of reports) expect(report.entities).toEqual(['orders', 'orders/billing', 'orders/billing/dead'])
  })

  test('verify finds what is missing; other arguments are refused and change nothing', async () => {
    const site = await open()
    await site.receiver.provision(topology(false), 'verify')
    await expect(site.receiver.provision(topology(false, 'nobody'), 'verify')).rejects.toMatchObject({
      code: 'notFound',
    })
    const wider = { channels: [...topology(true).channels, { name: 'new', keyed: false, groups: [] }] }
    await expect(site.receiver.provision(wider, 'create')).rejects.toMatchObject({ code: 'failedPrecondition' })
    expect(site.broker.entities()).not.toContain('new')
  })

  test('what was never provisioned is notFound', async () => {
    const site = await open()
    expect((await site.send({ channel: 'nowhere' }, 'a'))[0]).toMatchObject({
      error: { code: 'notFound' },
      outcome: 'notSent',
    })
    expect((await site.send({ channel: 'orders', group: 'nobody' }, 'a'))[0]?.error).toMatchObject({ code: 'notFound' })
    await expect(site.listen({ source: { channel: 'orders', group: 'nobody' } })).rejects.toMatchObject({
      code: 'notFound',
    })
  })

  test('an existing entity is used by its address, and nothing is made', async () => {
    const site = await open()
    site.broker.declare('legacy', 'queue')
    site.broker.declare('graveyard', 'all')
    const groups = [{ name: 'billing', delaysMs: [], address: 'queue', deadLetterAddress: 'graveyard/all' }]
    const foreign = { channels: [{ name: 'invoices', keyed: false, address: 'legacy', groups }] }
    const before = site.broker.entities()
    for (const connection of [site.sender, site.receiver]) await connection.provision(foreign, 'create')
    expect(site.broker.entities()).toEqual(before)
    await site.send({ channel: 'invoices' }, 'a')
    await site.send({ channel: 'invoices', group: 'billing', lane: 'dead' }, 'd')
    const recorder = await site.listen({ source: { channel: 'invoices', group: 'billing' } })
    expect(recorder.texts()).toEqual(['a'])
    expect(site.broker.messages({ channel: 'graveyard', group: 'all' }).map(textOf)).toEqual(['d'])
    const missing = { channels: [{ name: 'invoices', keyed: false, address: 'nowhere', groups: [] }] }
    await expect(site.receiver.provision(missing, 'create')).rejects.toMatchObject({ code: 'notFound' })
  })

  test('unknown settings and bad names are refused', async () => {
    const site = await open({ profile: 'bare' })
    const withSettings = { channels: [{ name: 'a', keyed: false, groups: [], settings: { shards: 3 } }] }
    await expect(site.receiver.provision(withSettings, 'create')).rejects.toMatchObject({ code: 'invalidArgument' })
    for (const name of ['', 'a/b', 'x'.repeat(65)]) {
      const bad = { channels: [{ name, keyed: false, groups: [] }] }
      await expect(site.receiver.provision(bad, 'create')).rejects.toMatchObject({ code: 'invalidArgument' })
    }
  })
})

describe('connections', () => {
  test('after close everything is refused, and closing again is fine', async () => {
    const site = await open()
    await site.sender.close()
    await site.sender.close()
    expect((await site.send(source, 'a'))[0]).toMatchObject({ error: { code: 'closed' }, outcome: 'notSent' })
    await expect(site.sender.provision({ channels: [] }, 'known')).rejects.toMatchObject({ code: 'closed' })
    expect(site.broker.connectionCount()).toBe(1)
  })

  test('an aborted signal ends the connection without a report', async () => {
    const site = await open()
    const controller = new AbortController()
    const connection = await site.connect('receive', controller.signal)
    await site.listen({}, connection)
    controller.abort()
    await turn()
    expect(site.events).toEqual([])
    expect(site.broker.connectionCount()).toBe(2)
    expect((await sendOn(connection, source, [{ message: wire('a') }]))[0]).toMatchObject({ outcome: 'notSent' })
  })
})
