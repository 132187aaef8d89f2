import type { Address, Driver, Lane, WireMessage } from '@waybill/core/driver'
import type { LiveConnection } from './live-connection.ts'
import { MemoryChannel } from './memory-channel.ts'
import { notFound } from './memory-errors.ts'
import { MemoryFaults } from './memory-faults.ts'
import type { MemoryLane } from './memory-lane.ts'
import { MemorySchedule } from './memory-schedule.ts'
import { MemoryTurns } from './memory-turns.ts'

/** How many messages a lane holds, and in which state. */
export interface MemoryDepth {
  /** Waiting to be delivered. */
  readonly ready: number
  /** Delivered and not settled. */
  readonly unsettled: number
  /** Waiting for their time, those sent to all groups of the channel not counted. */
  readonly delayed: number
}

/** A group of a channel, or one of its lanes; `main` unless said. */
export interface MemoryLaneAddress {
  readonly channel: string
  readonly group: string
  readonly lane?: Lane
}

/**
 * An embedded broker: channels, groups and messages, which outlive the connections and end with the process.
 *
 * What is public here looks at it and disturbs it from outside, past any driver: for tests. All of it is synchronous.
 */
export class MemoryBroker {
  readonly name: string
  /** Disturbs connections, sends, deliveries and settlements on demand. */
  readonly faults: MemoryFaults
  /** @internal */
  readonly channels = new Map<string, MemoryChannel>()
  /** @internal */
  readonly connections = new Set<LiveConnection>()
  /** @internal */
  readonly turns = new MemoryTurns()
  /** @internal */
  readonly schedule = new MemorySchedule()

  /** @internal */
  constructor(name: string) {
    this.name = name
    this.faults = new MemoryFaults(this.connections)
  }

  /** The names of channels, groups and lanes: `orders`, `orders/billing`, `orders/billing/dead`. */
  entities(): readonly string[] {
    const names: string[] = []
    for (const channel of this.channels.values()) {
      names.push(channel.name)
      for (const group of channel.groups.values()) names.push(...group.lanes().map((lane) => lane.name))
    }
    return names
  }

  /** How many connections are open: of one driver, or all. */
  connectionCount(driver?: Driver): number {
    if (driver === undefined) return this.connections.size
    return [...this.connections].filter((each) => each.driver === driver).length
  }

  /** Makes a channel, and a group of it, as a stranger would. What is there stays as it is. */
  declare(channel: string, group?: string, options: { readonly keyed?: boolean } = {}): void {
    const found = this.channels.get(channel) ?? new MemoryChannel(channel, this.turns)
    this.channels.set(channel, found)
    if (group === undefined || found.groups.has(group)) return
    found.addGroup({ name: group, keyed: options.keyed ?? false, isolatesKeys: false, isTemporary: false })
  }

  /** Removes a channel or one group with all that is in it. Listeners there end. */
  remove(channel: string, group?: string): void {
    const found = this.channels.get(channel)
    if (found === undefined) return
    const groups = group === undefined ? [...found.groups.values()] : [found.groups.get(group)]
    if (group === undefined) this.channels.delete(channel)
    for (const each of groups) {
      if (each === undefined) continue
      found.removeGroup(each)
      const lanes = new Set(each.lanes())
      for (const connection of this.connections) connection.laneRemoved(lanes)
    }
  }

  /** Stores a message as a stranger's client would, without checks. */
  publish(to: Address, message: WireMessage): void {
    const channel = this.channels.get(to.channel)
    if (channel === undefined) throw notFound(`channel "${to.channel}"`)
    if (to.group === undefined) channel.publish(message, this.schedule.nowMs)
    else this.#lane(to).add(message, this.schedule.nowMs)
  }

  /** Takes up to `limit` waiting messages away, oldest first. */
  take(from: MemoryLaneAddress, limit = Infinity): readonly WireMessage[] {
    return this.#lane(from).remove(limit)
  }

  /** What waits or is unsettled in a lane, in order. Delayed messages are not there yet. */
  messages(at: MemoryLaneAddress): readonly WireMessage[] {
    const lane = this.#lane(at)
    const all = lane.values()
    for (const connection of this.connections) all.push(...connection.unsettledOf(lane))
    return all.sort((a, b) => a.sequence - b.sequence).map((stored) => stored.message)
  }

  depth(at: MemoryLaneAddress): MemoryDepth {
    const { ready, unsettled, delayed } = this.#lane(at)
    return { ready, unsettled, delayed }
  }

  /** Whether nothing is unsettled, and nothing waits that somebody has room for. Delayed messages may be there. */
  get isQuiet(): boolean {
    for (const lane of this.#lanes()) if (lane.unsettled > 0 || lane.canDeliver) return false
    return true
  }

  /** A number that rises whenever a message is stored, delivered or settled. */
  get changes(): number {
    let changes = 0
    for (const lane of this.#lanes()) changes += lane.changes
    return changes
  }

  *#lanes(): Generator<MemoryLane> {
    for (const channel of this.channels.values()) {
      for (const group of channel.groups.values()) yield* group.lanes()
    }
  }

  #lane({ channel, group, lane }: MemoryLaneAddress): MemoryLane {
    const found = this.channels.get(channel)?.groups.get(group)?.lane(lane)
    if (found === undefined) throw notFound(`"${channel}/${group}${lane === undefined ? '' : `/${lane}`}"`)
    return found
  }
}

/** A broker of its own, to be given to several drivers, or to be looked at and disturbed by tests. */
export function createMemoryBroker(): MemoryBroker {
  return new MemoryBroker('')
}

const shared = new Map<string, MemoryBroker>()

/** The broker of this name, the same for all that ask in this process, made on first use. */
export function sharedBroker(name: string): MemoryBroker {
  const found = shared.get(name) ?? new MemoryBroker(name)
  shared.set(name, found)
  return found
}
