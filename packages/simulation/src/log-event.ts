import type { Settlement } from '@waybill/core/driver'

/**
 * Something that happened at a driver's interface, as whoever uses the driver saw it.
 *
 * Connections, listeners, leases and deliveries are numbered, each kind from 1 on. A lane is named as `laneName` does; a
 * shard is a part of a lane with an order of its own, and a place in it a number that counts on by one.
 */
export type LogEvent = { readonly atMs: number } & (ConnectionEvent | SendEvent | ListenerEvent | DeliveryEvent)

export type ConnectionEvent =
  | {
      readonly kind: 'connects'
      readonly connection: number
      readonly member: string
      readonly role: 'send' | 'receive'
    }
  | { readonly kind: 'connectFails'; readonly connection: number }
  /**
   * Said by whoever did it: the link is cut or stalled, or the broker was told that the member is gone. From now on the
   * two may think differently of who has what.
   */
  | { readonly kind: 'unreachable'; readonly connection: number }
  /** The driver said so. */
  | { readonly kind: 'lost'; readonly connection: number }
  | { readonly kind: 'givenUp' | 'closes' | 'closed'; readonly connection: number }
  | { readonly kind: 'blocked' | 'settleFailed'; readonly connection: number }
  | { readonly kind: 'provisioned'; readonly channel: string; readonly groups: readonly string[] }

export type SendEvent =
  | { readonly kind: 'confirmed'; readonly to: string; readonly id: string }
  | { readonly kind: 'sendFailed'; readonly to: string; readonly id: string; readonly outcome: 'notSent' | 'unknown' }

export type ListenerEvent =
  | {
      readonly kind: 'listens'
      readonly listener: number
      readonly connection: number
      readonly lane: string
      readonly mostOpen: number
    }
  | { readonly kind: 'listenFails'; readonly listener: number }
  | { readonly kind: 'drains' | 'drained' | 'ended'; readonly listener: number }
  | { readonly kind: 'recalled'; readonly lease: number }
  | { readonly kind: 'leaseLost'; readonly lease: number }

export type DeliveryEvent =
  | {
      readonly kind: 'delivered'
      readonly delivery: number
      readonly listener: number
      readonly lease: number
      readonly shard: string
      readonly place: number
      readonly id: string
      readonly key: string | undefined
    }
  | { readonly kind: 'settled'; readonly delivery: number; readonly how: Settlement['kind'] }

export type EventOf<K extends LogEvent['kind']> = Extract<LogEvent, { readonly kind: K }>

/** How a lane, or a channel that all groups read, is named in events. */
export function laneName({
  channel,
  group,
  lane = 'main',
}: {
  readonly channel: string
  readonly group?: string | undefined
  readonly lane?: string | undefined
}): string {
  return group === undefined ? channel : `${channel}/${group}/${lane}`
}
