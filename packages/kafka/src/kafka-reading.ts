import { MessagingError, type ListenRequest, type WireMessage } from '@waybill/core/driver'
import type { KafkaRecord } from './kafka-client.ts'
import { wireMessageFor } from './kafka-message-mapper.ts'
import { delayTopic } from './kafka-names.ts'
import { groupRoute, type ChannelRoute, type GroupRoute } from './kafka-topology.ts'

type Source = ListenRequest['source']

/** A consumer group and its topics. */
export interface Reading {
  readonly group: string
  readonly topics: readonly string[]
}

export function readingOf(
  { channel, topic }: ChannelRoute,
  route: GroupRoute,
  { group, lane = 'main' }: Source,
): Reading {
  if (lane === 'main') {
    return { group: route.groupId, topics: route.ownTopic === undefined ? [topic] : [topic, route.ownTopic] }
  }
  const own = lane === 'dead' ? route.deadTopic : delayTopic(channel, group, Number(lane.slice('delay.'.length)))
  return { group: own, topics: [own] }
}

export function groupOf(route: ChannelRoute, name: string): GroupRoute {
  return route.groups.get(name) ?? groupRoute(route.channel, { name, delaysMs: [] })
}

export function isSame(source: Source, { channel, group, lane = 'main' }: Source): boolean {
  return source.channel === channel && source.group === group && (source.lane ?? 'main') === lane
}

/** What is for all, and what is for this group. */
export function readFor(group: string): (record: KafkaRecord) => WireMessage | undefined {
  return (record) => wireMessageFor(group, record)
}

export function browsedTopic({ deadTopic }: GroupRoute, { channel, group, lane = 'main' }: Source): string {
  if (lane === 'dead') return deadTopic
  const what = `cannot browse group "${group}" of "${channel}": its messages are its consumers'; browse its dead letters`
  throw new MessagingError('unsupported', what, { channel, group, system: 'kafka' })
}
