import { ContiguousPrefixAcker, type Lease, SharedLease } from '@waybill/core/driver'
import type { BrokerDelivery } from './broker-entry.ts'
import type { SimulatedListener } from './simulated-listener.ts'

type Slot = ReturnType<ContiguousPrefixAcker<BrokerDelivery>['begin']>

/** What one listener holds of one lane: a shard while it owns it, or its share of what anybody may take. */
export class Assignment {
  readonly listener: SimulatedListener
  readonly shard: number
  readonly lease = new SharedLease()
  /** The lease as the core sees it, which is not to subscribe without end. */
  readonly seenLease: Lease
  subscriptions = 0
  /** Asked back by the broker. */
  isRecalled = false
  readonly #out: BrokerDelivery[] = []
  readonly #slots = new Map<BrokerDelivery, Slot>()
  #whenIdle: (() => void)[] = []
  readonly #acker: ContiguousPrefixAcker<BrokerDelivery>

  /** `onPrefix` is told of all deliveries that may be settled now, oldest first. */
  constructor(listener: SimulatedListener, shard: number, onPrefix: (settled: readonly BrokerDelivery[]) => void) {
    this.listener = listener
    this.shard = shard
    const { lease } = this
    this.seenLease = {
      get state() {
        return lease.state
      },
      subscribe: (hear) => {
        this.subscriptions++
        return lease.subscribe(hear)
      },
    }
    this.#acker = new ContiguousPrefixAcker((last) => onPrefix(this.#out.splice(0, this.#out.indexOf(last) + 1)))
  }

  begin(delivery: BrokerDelivery): void {
    this.#out.push(delivery)
    this.#slots.set(delivery, this.#acker.begin(delivery))
  }

  finish(delivery: BrokerDelivery): void {
    this.#acker.finish(this.#slots.get(delivery) as Slot)
    this.#end(delivery)
  }

  abandon(delivery: BrokerDelivery): void {
    this.#acker.abandon(this.#slots.get(delivery) as Slot)
    this.#end(delivery)
  }

  /** Told at once, or when all that was delivered is settled. */
  onceIdle(tell: () => void): void {
    if (this.#slots.size === 0) tell()
    else this.#whenIdle.push(tell)
  }

  #end(delivery: BrokerDelivery): void {
    this.#slots.delete(delivery)
    if (this.#slots.size === 0) for (const tell of this.#whenIdle.splice(0)) tell()
  }
}
