import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  channelTopic,
  collidingTopic,
  deadTopic,
  delaysAmong,
  delayTopic,
  groupTopic,
  isTopicName,
  maxNameLength,
  maxTopicBytes,
} from '../src/kafka-names.ts'

const inner = fc.constantFrom('a', 'B', '0', '_', '.', '-')
/** As the core allows names: no `..`, a letter, digit or `_` at either end. */
const name = fc
  .array(inner, { minLength: 1, maxLength: 8 })
  .map((letters) => letters.join(''))
  .filter((text) => /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(text) && !text.includes('..'))

interface Entity {
  readonly channel: string
  readonly group?: string | undefined
  readonly lane?: 'dead' | number | undefined
}

const entity: fc.Arbitrary<Entity> = fc.oneof(
  fc.record({ channel: name }),
  fc.record({ channel: name, group: name }),
  fc.record({ channel: name, group: name, lane: fc.constantFrom<'dead' | number>('dead', 1, 200) }),
)

function topicOf({ channel, group, lane }: Entity): string {
  if (group === undefined) return channelTopic(channel)
  if (lane === undefined) return groupTopic(channel, group)
  return lane === 'dead' ? deadTopic(channel, group) : delayTopic(channel, group, lane)
}

describe('names', () => {
  it.each<[string, string]>([
    [channelTopic('orders.placed'), 'orders.placed'],
    [groupTopic('orders.placed', 'billing'), 'orders.placed..billing'],
    [deadTopic('orders.placed', 'billing'), 'orders.placed..billing..dead'],
    [delayTopic('orders.placed', 'billing', 200), 'orders.placed..billing..delay.200'],
    [channelTopic('order_events'), 'order..-events'],
    [groupTopic('a._', '_'), 'a...-....-'],
  ])('%s', (made, expected) => {
    expect(made).toBe(expected)
  })

  it('are of one entity each, also where Kafka takes "." and "_" for the same', () => {
    fc.assert(
      fc.property(entity, entity, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        const metric = (topic: string): string => topic.replaceAll('.', '_')
        expect(metric(topicOf(one)) === metric(topicOf(other))).toBe(isSame)
        expect(collidingTopic(topicOf(one), [topicOf(other)])).toBe(undefined)
      }),
      { numRuns: 20_000 },
    )
  })

  it('are topics', () => {
    fc.assert(fc.property(entity, (each) => isTopicName(topicOf(each))))
  })

  it('have room for the longest channel and group', () => {
    const longest = 'x'.repeat(maxNameLength)
    expect(delayTopic(longest, longest, 9_999_999_999_999).length).toBeLessThanOrEqual(maxTopicBytes)
    expect(delayTopic(`${longest}x`, `${longest}x`, 9_999_999_999_999).length).toBeGreaterThan(maxTopicBytes)
  })

  it('tell the delays of a group from all else', () => {
    const topics = [
      delayTopic('a', 'b', 1_000),
      delayTopic('a', 'b', 200),
      delayTopic('a', 'b', 0),
      delayTopic('a', 'b.c', 300),
      delayTopic('a.b', 'c', 400),
      deadTopic('a', 'b'),
      'a..b..delay.007',
      'a..b..delay.x',
      'a..b..delay.',
    ]
    expect(delaysAmong(topics, 'a', 'b')).toEqual([0, 200, 1_000])
  })

  it.each(['', '.', '..', 'a/b', 'ä', 'x'.repeat(250)])('refuse %j as a topic', (topic) => {
    expect(isTopicName(topic)).toBe(false)
  })

  it('find the topic that Kafka would take for the same', () => {
    expect(collidingTopic('a.b', ['x', 'a.b', 'a_b'])).toBe('a_b')
  })
})
