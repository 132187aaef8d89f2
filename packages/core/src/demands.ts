import type { ChannelDefinition } from './channel.ts'
import type { Driver } from './driver/driver.ts'
import type { IdempotencyStore } from './idempotency-store.ts'
import type { StartFrom } from './consumer.ts'
import { listenStart } from './listen-start.ts'
import { MessagingError } from './messaging-error.ts'

/**
 * What is asked of a broker, checked against what it declares, before any I/O.
 *
 * @throws MessagingError `unsupported`, with what to change. Conformance: CAP-01.
 */
export function checkChannel(driver: Driver, channel: ChannelDefinition): void {
  const { order, maxNameLength } = driver.capabilities
  for (const name of [channel.name, ...channel.groups]) {
    if (Buffer.byteLength(name) > maxNameLength) {
      throw refused(
        driver,
        channel,
        'use',
        `the name "${name}" is longer than ${maxNameLength} bytes; use a shorter one`,
      )
    }
  }
  if (!channel.keyed || order !== 'none') return
  throw refused(driver, channel, `use`, `it keeps no order per key; remove ordering: 'key' or use another broker`)
}

export function checkGroup(driver: Driver, channel: ChannelDefinition, group: string): void {
  if (!channel.groups.includes(group)) {
    const groups = channel.groups.length === 0 ? 'it has none' : `it has ${channel.groups.join(', ')}`
    throw new MessagingError(
      'invalidArgument',
      `channel "${channel.name}" has no group ${JSON.stringify(group)} (${groups}); add it to groups, or use channel.withGroups(${JSON.stringify(group)})`,
      { channel: channel.name },
    )
  }
  checkChannel(driver, channel)
}

/** Conformance: TOP-13, CAP-01. */
export function checkStart(driver: Driver, channel: ChannelDefinition, startFrom: StartFrom | undefined): void {
  const start = listenStart(startFrom)
  if (start === 'new') return
  const [need, what] = start === 'oldest' ? beginning : start.timeMs === undefined ? position : time
  const { replay } = driver.capabilities
  if (replay.includes(need)) return
  const why = replay.length === 0 ? 'it keeps no past messages' : `it can replay from: ${replay.join(', ')}`
  throw refused(driver, channel, `consume from ${what} of`, `${why}; use startFrom: 'now'`)
}

const beginning = ['oldest', 'the beginning'] as const
const time = ['time', 'a time'] as const
const position = ['position', 'a position'] as const

/** Conformance: FLW-04, CAP-01. */
export function checkByteBound(driver: Driver, channel: ChannelDefinition, maxInFlightBytes: number | undefined): void {
  if (maxInFlightBytes === undefined) return
  if (!(Number.isInteger(maxInFlightBytes) && maxInFlightBytes >= 1)) {
    throw new MessagingError(
      'invalidArgument',
      `maxInFlightBytes must be a whole number of at least 1, not ${String(maxInFlightBytes)}`,
    )
  }
  if (driver.capabilities.byteBound) return
  const why = 'it bounds messages, not bytes; remove it and lower concurrency, or use another broker'
  throw refused(driver, channel, 'bound the bytes in flight of', why)
}

export function checkTemporary(driver: Driver, channel: ChannelDefinition, what: string): void {
  if (driver.capabilities.temporary !== 'none') return
  throw refused(driver, channel, what, 'it has no temporary groups; use a named group or another broker')
}

/** Conformance: IDM-09. */
export function checkRetention(driver: Driver, channel: ChannelDefinition, store: IdempotencyStore): void {
  const { redeliveryHorizonMs } = driver.capabilities
  if (store.retentionMs >= redeliveryHorizonMs) return
  throw new MessagingError(
    'failedPrecondition',
    `the idempotency store of a consumer of "${channel.name}" remembers for ${store.retentionMs} ms, but ${driver.system} may deliver again for ${redeliveryHorizonMs} ms; set retentionMs to at least that`,
    { channel: channel.name, system: driver.system },
  )
}

function refused(driver: Driver, channel: ChannelDefinition, what: string, why: string): MessagingError {
  return new MessagingError('unsupported', `cannot ${what} "${channel.name}" on ${driver.system}: ${why}`, {
    channel: channel.name,
    system: driver.system,
  })
}
