import { Buffer } from 'node:buffer'

/**
 * The names of what the driver makes. Names of channels and groups hold no `..` and end with no `.`, so every name below
 * can be read back: no two entities share one, and a topic's name says whose it is.
 *
 * | entity | name |
 * |---|---|
 * | topic of a channel | `orders.placed` |
 * | what is sent to one group of it alone; also its consumer group | `orders.placed..billing` |
 * | its dead letters | `orders.placed..billing..dead` |
 * | its retries after 200 ms, topic and consumer group | `orders.placed..billing..delay.200` |
 *
 * `_` is written `..-`: Kafka makes no topic `a_b` beside `a.b`, since its metrics could not tell them apart.
 * https://kafka.apache.org/documentation/#operations_topics
 */
export function channelTopic(channel: string): string {
  return escaped(channel)
}

export function groupTopic(channel: string, group: string): string {
  return `${escaped(channel)}${separator}${escaped(group)}`
}

export function deadTopic(channel: string, group: string): string {
  return `${groupTopic(channel, group)}${separator}dead`
}

export function delayTopic(channel: string, group: string, delayMs: number): string {
  return `${groupTopic(channel, group)}${separator}delay.${delayMs}`
}

/** The delays of a group's lanes among the topics there are, ascending. */
export function delaysAmong(topics: Iterable<string>, channel: string, group: string): number[] {
  const start = `${groupTopic(channel, group)}${separator}delay.`
  const delays: number[] = []
  for (const topic of topics) {
    const digits = topic.startsWith(start) ? topic.slice(start.length) : ''
    if (/^(0|[1-9]\d{0,12})$/.test(digits)) delays.push(Number(digits))
  }
  return delays.sort((a, b) => a - b)
}

const separator = '..'

function escaped(name: string): string {
  return name.replaceAll('_', '..-')
}

/** The topic that Kafka takes for the same in its metrics, and beside which it makes none of that name. */
export function collidingTopic(name: string, topics: Iterable<string>): string | undefined {
  const metric = name.replaceAll('.', '_')
  for (const topic of topics) if (topic !== name && topic.replaceAll('.', '_') === metric) return topic
  return undefined
}

/** Whether Kafka takes it: https://kafka.apache.org/documentation/#topicconfigs */
export function isTopicName(name: string): boolean {
  return Buffer.byteLength(name) <= maxTopicBytes && /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..'
}

/** `Topic.MAX_NAME_LENGTH` in Kafka. */
export const maxTopicBytes = 249
const longestSuffixBytes = separator.length + `${separator}delay.9999999999999`.length

/** Room for a channel and a group in the longest topic name, as long as they have no `_`. */
export const maxNameLength = Math.floor((maxTopicBytes - longestSuffixBytes) / 2)

/**
 * What provisioning writes beside the offset where a new group starts. Gone with the group's first own commit, so that a
 * group which never took anything can still be told to start at the oldest message.
 */
export const startMetadata = 'waybill-start'
