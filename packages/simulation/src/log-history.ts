import { ConnectionPast } from './connection-past.ts'
import { Holding } from './holding.ts'
import { LanePast } from './lane-past.ts'
import { ListenerPast } from './listener-past.ts'
import { type EventOf, laneName, type LogEvent } from './log-event.ts'
import { ShardPast } from './shard-past.ts'

/** What differs from log to log. */
export interface LogTimes {
  /** Whatever was settled so long before its holder was cut off is committed. */
  readonly graceMs: number
  /** How long a shard that is asked back may finish what runs. */
  readonly finishMs: number
}

interface OpenDelivery {
  readonly holding: Holding
  readonly shard: ShardPast
  readonly place: number
}

/** What is known of a log, and of those who read it, from the events so far. */
export class LogHistory {
  readonly connections = new Map<number, ConnectionPast>()
  readonly listeners = new Map<number, ListenerPast>()
  readonly holdings = new Map<number, Holding>()
  readonly deliveries = new Map<number, OpenDelivery>()
  readonly lanes = new Map<string, LanePast>()
  readonly groupsOf = new Map<string, Set<string>>()
  /** By address and id, when sends were confirmed. */
  readonly confirmed = new Map<string, Map<string, number[]>>()
  readonly times: LogTimes

  constructor(times: LogTimes) {
    this.times = times
  }

  lane(name: string): LanePast {
    return found(this.lanes, name, () => new LanePast())
  }

  listener(number: number): ListenerPast {
    return this.listeners.get(number) as ListenerPast
  }

  shardOf({ listener, shard }: EventOf<'delivered'>): ShardPast {
    const lane = this.lane(this.listener(listener).lane)
    return found(lane.shards, shard, () => new ShardPast(lane))
  }

  take(event: LogEvent): void {
    switch (event.kind) {
      case 'connects':
        return void this.connections.set(event.connection, new ConnectionPast(event.member))
      case 'listens':
        return this.#listens(event)
      case 'provisioned':
        for (const group of event.groups) found(this.groupsOf, event.channel, () => new Set()).add(group)
        return
      case 'confirmed':
        return this.#confirmed(event)
      case 'delivered':
        return this.#delivered(event)
      case 'settled':
        return this.#settled(event)
      case 'recalled':
      case 'leaseLost':
        return this.holdings.get(event.lease)?.move(event.kind === 'recalled' ? 'recalled' : 'lost', event.atMs)
      default:
        if ('connection' in event) this.#ofConnection(event.kind, event.connection, event.atMs)
        else if ('listener' in event) this.#ofListener(event.kind, event.listener, event.atMs)
    }
  }

  #ofConnection(kind: LogEvent['kind'], number: number, atMs: number): void {
    const connection = this.connections.get(number)
    if (connection === undefined) return
    if (kind === 'settleFailed') connection.failedToSettle = true
    if (kind === 'unreachable') connection.unreachableAtMs = Math.min(connection.unreachableAtMs, atMs)
    const isOver = kind === 'lost' || kind === 'givenUp' || kind === 'closed' || kind === 'connectFails'
    if (isOver || kind === 'closes') connection.overAtMs = Math.min(connection.overAtMs, atMs)
    if (isOver) connection.endedAtMs = Math.min(connection.endedAtMs, atMs)
  }

  #ofListener(kind: LogEvent['kind'], number: number, atMs: number): void {
    const listener = this.listener(number)
    listener.overAtMs = Math.min(listener.overAtMs, atMs)
    if (kind === 'drains') listener.drains = true
    if (kind === 'drained') listener.isDrained = listener.connection.isTrusted
    if (kind === 'ended' || kind === 'listenFails') listener.hasEnded = true
  }

  #listens({ listener, connection, lane, mostOpen }: EventOf<'listens'>): void {
    const past = new ListenerPast(this.connections.get(connection) as ConnectionPast, lane, mostOpen)
    this.listeners.set(listener, past)
    this.lane(lane).listeners.push(past)
  }

  #confirmed({ to, id, atMs }: EventOf<'confirmed'>): void {
    const times = found(this.confirmed, to, () => new Map<string, number[]>())
    found(times, id, () => []).push(atMs)
  }

  #delivered(event: EventOf<'delivered'>): void {
    const { delivery, lease, place, id, key, atMs, shard: name } = event
    const listener = this.listener(event.listener)
    const shard = this.shardOf(event)
    let holding = this.holdings.get(lease)
    if (holding === undefined) {
      holding = new Holding(listener, place, atMs)
      this.holdings.set(lease, holding)
      listener.holdings.push(holding)
      shard.holdings.push(holding)
    }
    holding.last = place
    holding.open.add(place)
    listener.open++
    shard.ids.set(place, id)
    found(shard.lane.placesOf, id, () => new Set()).add(`${name}@${place}`)
    if (key !== undefined) shard.lane.shardOf.set(keyIn(name, key), name)
    this.deliveries.set(delivery, { holding, shard, place })
  }

  #settled({ delivery, how, atMs }: EventOf<'settled'>): void {
    const { holding, shard, place } = this.deliveries.get(delivery) as OpenDelivery
    this.deliveries.delete(delivery)
    holding.open.delete(place)
    holding.listener.open--
    if (holding.state === 'lost') return
    if (how !== 'accept') {
      holding.isReleased = true
      return
    }
    holding.accept(place, atMs)
    shard.accepted.add(place)
  }

  /** Lanes where a message stands that was sent to this address; dead letters are read by nobody. */
  lanesOf(address: string): readonly string[] {
    const [channel = '', group, lane] = address.split('/')
    if (lane === 'dead') return []
    if (group !== undefined) return [address]
    return [...(this.groupsOf.get(channel) ?? [])].map((each) => laneName({ channel, group: each }))
  }
}

/** A key has one shard in each of the topics that a lane may read. */
export function keyIn(shard: string, key: string): string {
  return `${shard.slice(0, shard.lastIndexOf('/'))} ${key}`
}

function found<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
