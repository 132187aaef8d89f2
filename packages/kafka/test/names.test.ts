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

/** Every name of so many letters that the core allows: no `..`, a letter, digit or `_` at either end. */
function namesOf(maxLength: number): string[] {
  const texts: string[] = []
  for (let last = ['']; last[0]!.length < maxLength; ) {
    last = last.flatMap((text) => ['a', '_', '.', '-'].map((letter) => text + letter))
    texts.push(...last)
  }
  return texts.filter((text) => /^[a_](?:[a_.-]*[a_])?$/.test(text) && !text.includes('..'))
}

interface Entity {
  readonly channel: string
  readonly group?: string
  readonly lane?: 'dead' | number
}

const short = namesOf(3)
const entities: readonly Entity[] = [
  ...namesOf(6).map((channel) => ({ channel })),
  ...short.flatMap((channel) =>
    short.flatMap((group) => [
      { channel, group },
      ...(['dead', 1, 200] as const).map((lane) => ({ channel, group, lane })),
    ]),
  ),
]

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
    const owners = new Map<string, Entity>()
    for (const entity of entities) {
      const metric = topicOf(entity).replaceAll('.', '_')
      expect(owners.get(metric), `${JSON.stringify(entity)} is not the only one called ${metric}`).toBe(undefined)
      owners.set(metric, entity)
      expect(isTopicName(topicOf(entity))).toBe(true)
    }
    expect(owners.size).toBeGreaterThan(1_000)
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
