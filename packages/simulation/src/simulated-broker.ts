import type { Address, Topology, WireMessage } from '@waybill/core/driver'
import { type BrokerDelivery, numberOf } from './broker-entry.ts'
import { BrokerLane } from './broker-lane.ts'
import type { Oracle } from './oracle.ts'
import type { Profile } from './profile.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedConnection } from './simulated-connection.ts'
import type { World } from './world.ts'

/** The broker: keeps what it confirmed, gives it to every group, forgets nothing when it is down. */
export class SimulatedBroker {
  readonly world: World
  readonly profile: Profile
  readonly random: SeededRandom
  readonly oracle: Oracle
  readonly connections = new Set<SimulatedConnection>()
  isUp = true
  blockedUntilMs = 0
  nextDeliveryId = 1
  /** Delayed copies on their way to their lane. */
  delayed = 0
  readonly #lanes = new Map<string, BrokerLane>()
  readonly #groups = new Map<string, Set<string>>()
  readonly #keyed = new Map<string, boolean>()

  constructor(world: World, profile: Profile, random: SeededRandom, oracle: Oracle) {
    this.world = world
    this.profile = profile
    this.random = random
    this.oracle = oracle
  }

  provision({ channels }: Topology): void {
    for (const { name, keyed, groups } of channels) {
      this.#keyed.set(name, keyed)
      const known = this.#groups.get(name) ?? new Set()
      this.#groups.set(name, known)
      for (const group of groups) known.add(group.name)
    }
  }

  laneOf(channel: string, group: string, lane = 'main'): BrokerLane {
    const name = `${channel}/${group}/${lane}`
    let found = this.#lanes.get(name)
    if (found === undefined) {
      const isKeyed = this.#keyed.get(channel) === true && lane !== 'dead'
      found = new BrokerLane(this, group, lane, isKeyed)
      this.#lanes.set(name, found)
    }
    return found
  }

  lanes(): Iterable<BrokerLane> {
    return this.#lanes.values()
  }

  /** Takes responsibility for a message. */
  store(to: Address, message: WireMessage, delayMs: number | undefined): void {
    if (to.group === undefined) {
      for (const group of this.#groups.get(to.channel) ?? []) this.laneOf(to.channel, group).append(message)
      return
    }
    const lane = this.laneOf(to.channel, to.group, to.lane)
    this.oracle.trace(`broker: stores m${numberOf(message)} in ${to.group}/${lane.lane}`)
    if (delayMs === undefined) return lane.append(message)
    this.delayed++
    this.world.after(delayMs, () => {
      this.delayed--
      lane.append(message)
    })
  }

  /** Gives something once more that waits or is out, as brokers do that promise no more than at least once. */
  duplicate(): void {
    const lanes = [...this.#lanes.values()].filter(({ lane, entries }) => lane === 'main' && entries.length > 0)
    if (lanes.length === 0) return
    const lane = this.random.pick(lanes)
    const { message, number } = this.random.pick(lane.entries)
    this.oracle.trace(`broker: doubles m${number} in ${lane.group}`)
    lane.append(message)
  }

  stop(): void {
    this.isUp = false
    for (const connection of [...this.connections]) connection.cut(this.random.between(0, 20), 0)
  }

  block(forMs: number): void {
    this.blockedUntilMs = Math.max(this.blockedUntilMs, this.world.nowMs + forMs)
    for (const connection of this.connections) connection.reportBlocked('blocked')
    this.world.after(forMs, () => {
      if (this.blockedUntilMs > this.world.nowMs) return
      for (const connection of this.connections) connection.reportBlocked('unblocked')
    })
  }

  /** Whether nothing waits anywhere but in dead-letter lanes. */
  get isEmpty(): boolean {
    if (this.delayed > 0) return false
    for (const lane of this.#lanes.values()) if (lane.lane !== 'dead' && lane.entries.length > 0) return false
    return true
  }

  note(what: string, { entry, lane, assignment, deliveries }: BrokerDelivery): void {
    const { process } = assignment.listener.connection
    this.oracle.trace(`broker: ${what} m${entry.number} of ${lane.group}/${lane.lane}, ${process.name}, ${deliveries}`)
  }
}
