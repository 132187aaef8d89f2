import type { TopologyChannel } from '@waybill/core/driver'
import { describe, expect, it } from 'vitest'
import { planOf } from '../src/kafka-topology.ts'

const defaults = { partitions: 4 }
const channel = (change: Partial<TopologyChannel> = {}): TopologyChannel => ({
  name: 'orders',
  keyed: false,
  groups: [{ name: 'billing', delaysMs: [0, 200, 1_000] }],
  ...change,
})
const topicsOf = (change: Partial<TopologyChannel>) => {
  return planOf(channel(change), defaults).topics.map(({ name, kind, isForeign }) => [name, kind, isForeign])
}

describe('a channel', () => {
  it('is a topic, with topics beside it for what is one group’s alone', () => {
    expect(topicsOf({})).toEqual([
      ['orders', 'channel', false],
      ['orders..billing..dead', 'dead', false],
      ['orders..billing', 'group', false],
      ['orders..billing..delay.0', 'delay', false],
      ['orders..billing..delay.200', 'delay', false],
      ['orders..billing..delay.1000', 'delay', false],
    ])
  })

  it('has the partitions that are declared, or else the driver’s', () => {
    expect(planOf(channel(), defaults).route.partitions).toBe(4)
    expect(planOf(channel({ settings: { partitions: 12 } }), defaults).route.partitions).toBe(12)
  })

  it('is compacted when it says so', () => {
    expect(planOf(channel(), defaults).route.isCompacted).toBe(false)
    expect(planOf(channel({ settings: { compacted: true } }), defaults).route.isCompacted).toBe(true)
    expect(() => planOf(channel({ settings: { compacted: 'yes' } }), defaults)).toThrow(/true or false/)
  })

  it('of somebody else is one topic by its address, whose partitions are as they are', () => {
    const { topics, route } = planOf(channel({ address: 'their_topic', groups: [] }), defaults)
    expect(topics).toEqual([{ name: 'their_topic', kind: 'channel', isForeign: true }])
    expect(route).toMatchObject({ topic: 'their_topic', partitions: 1 })
  })
})

describe('a group of somebody else', () => {
  const groups = (delaysMs: readonly number[]) => ({
    address: 'theirs',
    groups: [{ name: 'billing', delaysMs, address: 'their group', deadLetterAddress: 'their.dead' }],
  })

  it('needs nothing made', () => {
    expect(topicsOf(groups([])).filter(([, , isForeign]) => !isForeign)).toEqual([])
    const route = planOf(channel(groups([])), defaults).route.groups.get('billing')
    expect(route).toMatchObject({ groupId: 'their group', ownTopic: undefined, deadTopic: 'their.dead' })
  })

  it('needs topics of its own once it is to retry', () => {
    const made = topicsOf(groups([200])).filter(([, , isForeign]) => !isForeign)
    expect(made.map(([name]) => name)).toEqual(['orders..billing', 'orders..billing..delay.200'])
  })
})

describe('what Kafka cannot have', () => {
  it.each<[string, Partial<TopologyChannel>, RegExp]>([
    [
      'a setting that is misspelt',
      { settings: { partition: 2 } },
      /unknown setting "partition": did you mean "partitions"\?/,
    ],
    ['no partitions', { settings: { partitions: 0 } }, /partitions must be a whole number/],
    ['a text of partitions', { settings: { partitions: '4' } }, /partitions must be a whole number/],
    ['a name too long with its escapes', { name: '_'.repeat(80) }, /too long/],
    ['an address that is no topic', { address: 'a/b' }, /"a\/b" is no topic/],
    [
      'a dead letter address that is no topic',
      { groups: [{ name: 'billing', delaysMs: [], deadLetterAddress: 'a b' }] },
      /"a b" is no topic/,
    ],
  ])('is refused: %s', (_, change, what) => {
    expect(() => planOf(channel(change), defaults)).toThrow(
      expect.objectContaining({ code: 'invalidArgument', message: expect.stringMatching(what) }),
    )
  })
})
