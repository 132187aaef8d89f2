import { LeaseRenewer, type Delivery, type Listener, type ListenRequest, type Settlement } from '@waybill/core/driver'
import type { Assignment } from './assignment.ts'
import type { BrokerDelivery } from './broker-entry.ts'
import type { BrokerLane } from './broker-lane.ts'
import type { SimulatedConnection } from './simulated-connection.ts'

/** To one lease, however many deliveries share it. */
const mostSubscriptions = 2
/** How long a shard that is to move may finish what runs. */
const handOverMs = 3_000

/** A listener, with both its ends: the broker's credit, and the client's open deliveries. */
export class SimulatedListener implements Listener {
  readonly connection: SimulatedConnection
  readonly ended: Promise<unknown>
  lane: BrokerLane | undefined
  readonly #maxInFlight: number
  readonly #onDelivery: (delivery: Delivery) => Promise<Settlement>
  readonly #open = new Set<BrokerDelivery>()
  readonly #renewer: LeaseRenewer<BrokerDelivery> | undefined
  readonly #isCumulative: boolean
  readonly #unanswered = new Set<Promise<void>>()
  #outstanding = 0
  /** The broker hands it no more. */
  #isStopped = false
  /** The client takes no more. */
  #isDraining = false
  #isOver = false
  #whenSettled: (() => void)[] = []
  #end!: (error: unknown) => void

  constructor(
    connection: SimulatedConnection,
    request: ListenRequest,
    onDelivery: (delivery: Delivery) => Promise<Settlement>,
  ) {
    this.connection = connection
    this.#maxInFlight = request.maxInFlight
    this.#onDelivery = onDelivery
    const { capabilities, visibilityMs } = connection.broker.profile
    this.#isCumulative = capabilities.settlement === 'cumulative'
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    if (visibilityMs !== undefined) this.#renewer = this.#newRenewer(visibilityMs, capabilities.holdMs)
  }

  get hasRoom(): boolean {
    return !this.#isStopped && this.connection.isKnown && this.#outstanding < this.#maxInFlight
  }

  /** Broker's side. */
  deliver(delivery: BrokerDelivery): void {
    this.#outstanding++
    this.connection.hear(() => this.#receive(delivery))
  }

  /** Broker's side: something about a lease. */
  tell(arrive: () => void): void {
    this.connection.hear(arrive)
  }

  /** Client's side: everything up to here is finished. It hears of it when others have it already. */
  commit(deliveries: readonly BrokerDelivery[]): void {
    this.connection.tell(() => {
      if (deliveries.some(({ isVoid }) => isVoid)) this.connection.reportSettleFailed()
      for (const delivery of deliveries) delivery.lane.settle(delivery, { kind: 'accept' })
    })
  }

  /**
   * Client's side: somebody else is to have it. Finishes what runs, as long as it may, and lets go once all that is
   * settled has arrived; nobody gets it before.
   */
  async handOver(assignment: Assignment): Promise<void> {
    assignment.lease.recall()
    await new Promise<void>((resolve) => {
      this.connection.process.after(handOverMs, resolve)
      assignment.onceIdle(resolve)
    })
    try {
      await this.connection.ask(() => {})
    } catch {
      return
    }
    assignment.lease.lose()
    this.connection.tell(() => this.lane?.handedOver(assignment))
  }

  /** Client's side: others have what it had. It joins anew. */
  expelled(held: readonly Assignment[]): void {
    for (const { lease } of held) lease.lose()
    if (!this.#isDraining) this.connection.tell(() => this.lane?.join(this))
  }

  async drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    const stopped = this.connection.ask(() => {
      this.#isStopped = true
    })
    try {
      await stopped
      if (this.#open.size > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve))
      await Promise.all(this.#unanswered)
      await this.connection.ask(() => this.lane?.leave(this))
    } catch {
      // The connection is lost, and with it whatever was open.
    }
    this.#renewer?.stop()
  }

  /** Client's side: the connection is over. */
  end(error: Error): void {
    this.#isOver = true
    this.#renewer?.stop()
    for (const delivery of this.#open) {
      delivery.assignment.lease.lose()
      delivery.lease.lose()
    }
    this.#end(error)
    for (const settled of this.#whenSettled.splice(0)) settled()
  }

  #receive(delivery: BrokerDelivery): void {
    if (this.#isCumulative) delivery.assignment.begin(delivery)
    if (this.#isDraining || this.#isOver) return this.#tellSettled(delivery, { kind: 'release' })
    this.#open.add(delivery)
    this.#renewer?.add(delivery)
    const { entry, lease, lane, deliveries, assignment } = delivery
    const { profile, oracle } = this.connection.broker
    const { capabilities } = profile
    void this.#onDelivery({
      message: entry.message,
      deliveries: capabilities.deliveries === 'none' ? undefined : deliveries,
      position: `${lane.group}/${lane.lane}/${entry.shard}@${entry.place}`,
      lease: lease === assignment.lease ? assignment.seenLease : lease,
      native: delivery,
    }).then((settlement) => this.#settle(delivery, settlement))
    const { subscriptions } = assignment
    oracle.check(subscriptions <= mostSubscriptions, 'bounded', () => `${subscriptions} subscriptions to one lease`)
  }

  #settle(delivery: BrokerDelivery, settlement: Settlement): void {
    const { process, broker } = this.connection
    if (!process.isAlive) return
    delivery.isSettled = true
    this.#open.delete(delivery)
    this.#renewer?.remove(delivery)
    broker.oracle.settled(process, delivery, settlement, this.#isOver)
    if (!this.#isOver) this.#tellSettled(delivery, settlement)
    if (this.#open.size === 0) for (const settled of this.#whenSettled.splice(0)) settled()
  }

  /** The credit goes back with the settlement, which on a broker of prefixes says nothing by itself. */
  #tellSettled(delivery: BrokerDelivery, settlement: Settlement): void {
    const arrive = (): void => {
      this.#outstanding--
      if (!this.#isCumulative) delivery.lane.settle(delivery, settlement)
      delivery.lane.dispatch()
    }
    if (this.connection.broker.profile.isRequestBased) this.#request(arrive)
    else this.connection.tell(arrive)
    if (!this.#isCumulative) return
    if (settlement.kind === 'accept') delivery.assignment.finish(delivery)
    else delivery.assignment.abandon(delivery)
  }

  /** Where requests overtake each other, only an answer says that one has arrived. */
  #request(arrive: () => void): void {
    const answered = this.connection.ask(arrive).catch(() => {})
    this.#unanswered.add(answered)
    void answered.then(() => this.#unanswered.delete(answered))
  }

  #newRenewer(visibilityMs: number, maxHoldMs: number): LeaseRenewer<BrokerDelivery> {
    return new LeaseRenewer<BrokerDelivery>({
      clock: this.connection.process.runtime.clock,
      renewEveryMs: visibilityMs / 4,
      maxHoldMs,
      renew: (batch) => this.connection.ask(() => batch.filter((delivery) => !delivery.lane.renew(delivery))),
      onLost: (delivery) => delivery.lease.lose(),
    })
  }
}
