/**
 * The names of what the driver makes. Channel and group names hold no `/`, so every name below can be read back:
 * no two entities share one, and a queue's name says whose it is.
 *
 * | entity | name |
 * |---|---|
 * | exchange of a channel | `orders.placed` |
 * | alternate exchange of a channel in four shards | `orders.placed/shards.4` |
 * | queue of a group | `orders.placed/billing` |
 * | a shard of it, where the channel keeps order per key | `orders.placed/billing/shard.0` |
 * | its dead letters | `orders.placed/billing/dead` |
 * | its retries after 200 ms | `orders.placed/billing/delay.200` |
 */
export function groupQueue(channel: string, group: string): string {
  return `${channel}/${group}`
}

export function shardQueues(channel: string, group: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => `${channel}/${group}/shard.${shard}`)
}

/** The count is part of the name, so that two processes that disagree on it are told (406) instead of losing order. */
export function unshardedExchange(channel: string, shards: number): string {
  return `${channel}/shards.${shards}`
}

/** An AMQP short string: https://www.rabbitmq.com/amqp-0-9-1-protocol#shortstr */
const maxShortStringBytes = 255
const longestSuffixBytes = '/'.length + '/delay.4294967295'.length

/** Room for a channel and a group in the longest queue name. */
export const maxNameLength = Math.floor((maxShortStringBytes - longestSuffixBytes) / 2)

/** 32-bit FNV-1a over the UTF-8 bytes of `text`: http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 0x7f) return fnv1aOfBytes(Buffer.from(text))
    hash = Math.imul(hash ^ unit, 0x01000193)
  }
  return hash >>> 0
}

function fnv1aOfBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The shard of a key: `fnv1a(key) mod shards`. Stable over versions and languages, for whoever publishes without us. */
export function shardOf(key: string, shards: number): number {
  return fnv1a(key) % shards
}
