import type { TopologyChannel } from '@waybill/core/driver'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fnv1a, maxNameLength, shardOf } from '../src/rabbitmq-names.ts'
import { consumerPriorities } from '../src/rabbitmq-priorities.ts'
import { planOf } from '../src/rabbitmq-topology.ts'

const defaults = { shards: 2, deliveryLimit: 100 }
const plain: TopologyChannel = { name: 'orders', keyed: false, groups: [{ name: 'billing', delaysMs: [200, 1_000] }] }
const keyed: TopologyChannel = { name: 'orders', keyed: true, groups: [{ name: 'billing', delaysMs: [200] }] }
const moved = {
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
  'x-dead-letter-exchange': '',
}
const work = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': 100,
  ...moved,
  'x-dead-letter-routing-key': 'orders/billing/dead',
}

describe('a channel', () => {
  it('is a fanout exchange, a queue per group, its dead letters and its delays', () => {
    const { exchanges, queues, bindings } = planOf(plain, defaults)
    const delay = { 'x-queue-type': 'quorum', ...moved, 'x-dead-letter-routing-key': 'orders/billing' }
    expect(exchanges).toEqual([{ name: 'orders', declared: { type: 'fanout' } }])
    expect(queues).toEqual([
      { name: 'orders/billing/dead', declared: { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 } },
      { name: 'orders/billing', declared: work },
      { name: 'orders/billing/delay.200', declared: { ...delay, 'x-message-ttl': 201 } },
      { name: 'orders/billing/delay.1000', declared: { ...delay, 'x-message-ttl': 1_001 } },
    ])
    expect(bindings).toEqual([{ queue: 'orders/billing', exchange: 'orders', routingKey: '' }])
  })

  it('in the order of keys is shards, and an exchange for what is not sharded', () => {
    const { exchanges, queues, bindings } = planOf(keyed, defaults)
    const shard = { ...work, 'x-single-active-consumer': true }
    expect(exchanges).toEqual([
      { name: 'orders/shards.2', declared: { type: 'fanout' } },
      { name: 'orders', declared: { type: 'direct', alternateExchange: 'orders/shards.2' } },
    ])
    expect(queues).toEqual([
      { name: 'orders/billing/dead', declared: { 'x-queue-type': 'quorum', 'x-delivery-limit': -1 } },
      { name: 'orders/billing/shard.0', declared: shard },
      { name: 'orders/billing/shard.1', declared: shard },
    ])
    expect(bindings).toEqual([
      { queue: 'orders/billing/shard.0', exchange: 'orders', routingKey: '0' },
      { queue: 'orders/billing/shard.1', exchange: 'orders', routingKey: '1' },
      { queue: 'orders/billing/shard.0', exchange: 'orders/shards.2', routingKey: '' },
    ])
  })

  it('uses what exists by its address, and binds nothing to it', () => {
    const group = { name: 'billing', delaysMs: [], address: 'their.queue', deadLetterAddress: 'their.dead' }
    const { exchanges, queues, bindings } = planOf({ ...plain, address: 'their.exchange', groups: [group] }, defaults)
    expect(exchanges).toEqual([{ name: 'their.exchange' }])
    expect(queues).toEqual([{ name: 'their.dead' }, { name: 'their.queue' }])
    expect(bindings).toEqual([])
  })

  it('binds a group of its own to an exchange that exists', () => {
    const settings = { bindingKey: 'order.*', routingKey: 'order.placed' }
    const { bindings, route } = planOf({ ...plain, address: 'amq.topic', settings }, defaults)
    expect(bindings).toEqual([{ queue: 'orders/billing', exchange: 'amq.topic', routingKey: 'order.*' }])
    expect(route).toMatchObject({ exchange: 'amq.topic', routingKeys: ['order.placed'] })
  })

  it.each<[string, Partial<TopologyChannel>, string, RegExp]>([
    ['a reserved name', { name: 'amq.orders' }, 'invalidArgument', /begin with "amq\."/],
    [
      'a misspelt setting',
      { settings: { shard: 2 } },
      'invalidArgument',
      /unknown setting "shard": did you mean "shards"\?/,
    ],
    ['shards without order', { settings: { shards: 2 } }, 'invalidArgument', /for channels with ordering/],
    ['no shards', { keyed: true, settings: { shards: 0 } }, 'invalidArgument', /whole number from 1 to 256/],
    [
      'a routing key of its own exchange',
      { settings: { routingKey: 'x' } },
      'invalidArgument',
      /with an address of their own/,
    ],
    ['order on an exchange that exists', { keyed: true, address: 'theirs' }, 'unsupported', /remove one of the two/],
    [
      'order on a queue that exists',
      { keyed: true, groups: [{ name: 'g', delaysMs: [], address: 'theirs' }] },
      'unsupported',
      /"theirs"/,
    ],
  ])('with %s is refused', (_, change, code, what) => {
    expect(() => planOf({ ...plain, ...change }, defaults)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(what) }),
    )
  })
})

describe('names', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/)

  it('belong to one channel and group only', () => {
    const names = (channel: string, group: string, isKeyed: boolean) =>
      planOf({ name: channel, keyed: isKeyed, groups: [{ name: group, delaysMs: [1, 20] }] }, defaults).queues.map(
        (queue) => queue.name,
      )
    fc.assert(
      fc.property(fc.tuple(name, name, fc.boolean()), fc.tuple(name, name, fc.boolean()), ([a, b, c], [d, e, f]) => {
        fc.pre(!a.startsWith('amq.') && !d.startsWith('amq.') && (a !== d || b !== e))
        const all = [...names(a, b, c), ...names(d, e, f)]
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })

  it('of the greatest length fit a short string', () => {
    const longest = 'n'.repeat(maxNameLength)
    const { queues } = planOf(
      { name: longest, keyed: false, groups: [{ name: longest, delaysMs: [4_294_967_294] }] },
      defaults,
    )
    const bytes = queues.map((queue) => Buffer.byteLength(queue.name))
    expect(Math.max(...bytes)).toBeLessThanOrEqual(255)
    expect(Math.max(...bytes) + 2).toBeGreaterThan(255)
  })
})

describe('shards', () => {
  it.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('hash %j as FNV-1a does', (text, hash) => {
    expect(fnv1a(text)).toBe(hash)
  })

  it('hash the UTF-8 bytes of a key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        let hash = 0x811c9dc5
        for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
        expect(fnv1a(text)).toBe(hash >>> 0)
      }),
    )
  })

  it('get about as many keys each', () => {
    const counts = new Array<number>(4).fill(0)
    for (let key = 0; key < 4_000; key++) counts[shardOf(`customer-${key}`, 4)]!++
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })

  it('are shared between two members, whatever chance does', () => {
    const random = (values: number[]) => ({ next: () => values.shift() ?? 0.5, fill: () => {} })
    const chance = fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 7, maxLength: 7 })
    fc.assert(
      fc.property(chance, chance, (one, other) => {
        const [mine, theirs] = [consumerPriorities(4, random([...one])), consumerPriorities(4, random([...other]))]
        const rank = (priority: number) => Math.floor(priority / 1_024)
        expect(mine.map(rank).sort()).toEqual([0, 1, 2, 3])
        if (mine.every((priority, shard) => rank(priority) === rank(theirs[shard]!))) return
        expect(mine.some((priority, shard) => priority > theirs[shard]!)).toBe(true)
        expect(mine.some((priority, shard) => priority < theirs[shard]!)).toBe(true)
      }),
    )
  })
})
