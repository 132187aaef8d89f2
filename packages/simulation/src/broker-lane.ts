import { SharedLease, type Settlement, type WireMessage } from '@waybill/core/driver'
import { Assignment } from './assignment.ts'
import { type BrokerDelivery, type BrokerEntry, numberOf } from './broker-entry.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import type { SimulatedListener } from './simulated-listener.ts'

/** Who is asked for a shard and says nothing for so long, its time to hand it over included, is taken for dead. */
const patienceMs = 6_000

/** One queue of the broker: a lane of a group, with what waits in it and who listens to it. */
export class BrokerLane {
  readonly group: string
  readonly lane: string
  readonly isKeyed: boolean
  entries: BrokerEntry[] = []
  readonly #broker: SimulatedBroker
  readonly #shards: number
  readonly #listeners: SimulatedListener[] = []
  /** By shard, where there are any; otherwise one per listener. */
  readonly #owners: (Assignment | undefined)[] = []
  readonly #shares = new Map<SimulatedListener, Assignment>()
  readonly #out = new Map<BrokerEntry, BrokerDelivery>()
  #nextSequence = 0
  /** By shard, where the next message will stand. */
  readonly #places: number[] = []

  constructor(broker: SimulatedBroker, group: string, lane: string, isKeyed: boolean) {
    this.#broker = broker
    this.group = group
    this.lane = lane
    this.isKeyed = isKeyed
    const { keyedShards, plainShards } = broker.profile
    this.#shards = isKeyed ? keyedShards : plainShards
  }

  append(message: WireMessage): void {
    const sequence = this.#nextSequence++
    const shard = this.#shards === 0 ? 0 : shardOf(message.key ?? String(sequence), this.#shards)
    const place = this.#places[shard] ?? 0
    this.#places[shard] = place + 1
    const number = numberOf(message)
    this.entries.push({ message, number, shard, place, state: 'ready', visibleAtMs: 0, deliveries: 0 })
    this.dispatch()
  }

  join(listener: SimulatedListener): void {
    this.#listeners.push(listener)
    if (this.#shards === 0) this.#shares.set(listener, this.#assign(listener, -1))
    this.#balance()
    this.dispatch()
  }

  /** The listener is gone: what it had out waits again, in its old place. */
  leave(listener: SimulatedListener): void {
    const index = this.#listeners.indexOf(listener)
    if (index < 0) return
    this.#listeners.splice(index, 1)
    this.#shares.delete(listener)
    for (const [shard, owner] of this.#owners.entries())
      if (owner?.listener === listener) this.#owners[shard] = undefined
    const { visibilityMs } = this.#broker.profile
    for (const delivery of [...this.#out.values()]) {
      // Where messages are lent for a time, nobody notices that the borrower is gone.
      if (delivery.assignment.listener === listener && visibilityMs === undefined) this.#takeBack(delivery)
    }
    this.#balance()
    this.dispatch()
  }

  /** The broker has its owners change places, for reasons of its own. */
  rebalance(): void {
    if (!this.#broker.profile.rebalances || this.#listeners.length < 2) return
    this.#listeners.push(this.#listeners.shift() as SimulatedListener)
    this.#balance()
  }

  settle(delivery: BrokerDelivery, settlement: Settlement): void {
    if (delivery.isVoid) return
    if (settlement.kind === 'accept') {
      delivery.isVoid = true
      delivery.entry.state = 'gone'
      this.#out.delete(delivery.entry)
      this.entries.splice(this.entries.indexOf(delivery.entry), 1)
      this.#broker.note('accepted', delivery)
    } else {
      const delayMs = settlement.kind === 'retry' ? settlement.delayMs : 0
      this.#takeBack(delivery)
      delivery.entry.visibleAtMs = this.#broker.world.nowMs + delayMs
      if (delayMs > 0) this.#broker.world.after(delayMs, () => this.dispatch())
    }
    this.dispatch()
  }

  /** Renews the right to settle; false when it had ended. */
  renew(delivery: BrokerDelivery): boolean {
    if (delivery.isVoid) return false
    this.#lend(delivery)
    return true
  }

  /** Whatever this listener has out may be given to others from now on. */
  expire(listener: SimulatedListener): void {
    for (const delivery of [...this.#out.values()]) {
      if (delivery.assignment.listener === listener) this.#takeBack(delivery)
    }
    this.dispatch()
  }

  dispatch(): void {
    if (this.#listeners.length === 0) return
    const { random, world } = this.#broker
    const isAnyOrder = this.#shards === 0 && !this.isKeyed
    const locked = this.#shards === 0 && this.isKeyed ? new Set<string>() : undefined
    const ready = this.entries.filter(({ state }) => state !== 'out' || locked !== undefined)
    while (ready.length > 0) {
      const [entry] = ready.splice(isAnyOrder && random.oneIn(4) ? random.between(0, ready.length - 1) : 0, 1)
      const { key } = (entry as BrokerEntry).message
      const isLocked = key !== undefined && locked?.has(key) === true
      if (key !== undefined) locked?.add(key)
      if (isLocked || entry?.state !== 'ready' || entry.visibleAtMs > world.nowMs) continue
      const assignment = this.#takerOf(entry)
      if (assignment !== undefined) this.#hand(entry, assignment)
    }
  }

  #takerOf(entry: BrokerEntry): Assignment | undefined {
    if (this.#shards > 0) {
      const owner = this.#owners[entry.shard]
      return owner !== undefined && !owner.isRecalled && owner.listener.hasRoom ? owner : undefined
    }
    const willing = this.#listeners.filter(({ hasRoom }) => hasRoom)
    return willing.length === 0 ? undefined : this.#shares.get(this.#broker.random.pick(willing))
  }

  #hand(entry: BrokerEntry, assignment: Assignment): void {
    entry.state = 'out'
    entry.deliveries++
    const delivery: BrokerDelivery = {
      id: this.#broker.nextDeliveryId++,
      lane: this,
      entry,
      assignment,
      lease: this.#broker.profile.visibilityMs === undefined ? assignment.lease : new SharedLease(),
      deliveries: entry.deliveries,
      expiresAtMs: Infinity,
      isVoid: false,
      isSettled: false,
    }
    this.#out.set(entry, delivery)
    this.#broker.note('delivers', delivery)
    this.#broker.oracle.delivered(delivery)
    this.#lend(delivery)
    assignment.listener.deliver(delivery)
  }

  #lend(delivery: BrokerDelivery): void {
    const { visibilityMs } = this.#broker.profile
    if (visibilityMs === undefined) return
    const { world } = this.#broker
    const isFirst = delivery.expiresAtMs === Infinity
    delivery.expiresAtMs = world.nowMs + visibilityMs
    const look = (): void => {
      if (delivery.isVoid) return
      if (delivery.expiresAtMs > world.nowMs) return void world.after(delivery.expiresAtMs - world.nowMs, look)
      this.#broker.note('lease of', delivery)
      this.#takeBack(delivery)
      this.dispatch()
    }
    if (isFirst) world.after(visibilityMs, look)
  }

  #takeBack(delivery: BrokerDelivery): void {
    delivery.isVoid = true
    delivery.entry.state = 'ready'
    this.#out.delete(delivery.entry)
  }

  #assign(listener: SimulatedListener, shard: number): Assignment {
    const assignment = new Assignment(listener, shard, (settled) => listener.commit(settled))
    return assignment
  }

  /** Gives shards without an owner to somebody; where they move, asks them back from who has too many. */
  #balance(): void {
    const count = this.#listeners.length
    if (this.#shards === 0 || count === 0) return
    for (let shard = 0; shard < this.#shards; shard++) {
      const owner = this.#owners[shard]
      const wanted = this.#listeners[shard % count] as SimulatedListener
      if (owner === undefined) this.#owners[shard] = this.#assign(wanted, shard)
      else if (this.#broker.profile.rebalances && owner.listener !== wanted) this.#recall(owner)
    }
  }

  #recall(owner: Assignment): void {
    if (owner.isRecalled) return
    owner.isRecalled = true
    owner.listener.tell(() => void owner.listener.handOver(owner))
    this.#broker.world.after(patienceMs, () => {
      if (this.#owners[owner.shard] === owner) this.#expel(owner.listener)
    })
  }

  /** The group goes on without it. It hears of it when it can be reached, and joins anew. */
  #expel(listener: SimulatedListener): void {
    const held = this.#owners.filter((owner) => owner?.listener === listener) as Assignment[]
    this.leave(listener)
    listener.tell(() => listener.expelled(held))
  }

  /** It has given the shard up: somebody else may have it. */
  handedOver(owner: Assignment): void {
    if (this.#owners[owner.shard] !== owner) return
    this.#owners[owner.shard] = undefined
    for (const delivery of [...this.#out.values()]) if (delivery.assignment === owner) this.#takeBack(delivery)
    this.#balance()
    this.dispatch()
  }
}

function shardOf(key: string, shards: number): number {
  let hash = 0
  for (let index = 0; index < key.length; index++) hash = (hash * 31 + key.charCodeAt(index)) | 0
  return Math.abs(hash) % shards
}
