import type { Lease } from './driver.ts'
import { throwLater } from './throw-later.ts'

interface Subscription {
  readonly listener: () => void
  /** Where it stands in the list; -1 once it has ended. */
  index: number
}

/**
 * A lease that many deliveries share: those of one partition, channel or session.
 *
 * Its state only moves on, from `held` to `recalled` to `lost`, and may skip `recalled`. Each listener hears of each
 * move, in no particular order; one that throws stops neither the others nor the move, and what it threw surfaces as
 * an uncaught exception. Subscribing and ending a subscription cost the same however many there are.
 *
 * Conformance: SET-11, SET-15.
 */
export class SharedLease implements Lease {
  #state: Lease['state'] = 'held'
  #subscriptions: Subscription[] = []

  get state(): Lease['state'] {
    return this.#state
  }

  /** Fine after `lost` too: nothing will ever be called then. */
  subscribe(listener: () => void): () => void {
    if (this.#state === 'lost') return nothing
    const subscription = { listener, index: this.#subscriptions.length }
    this.#subscriptions.push(subscription)
    return () => this.#end(subscription)
  }

  /** Asks for the deliveries back. Does nothing unless held. */
  recall(): void {
    if (this.#state === 'held') this.#move('recalled')
  }

  /** Ends the lease: settling is void from now on. */
  lose(): void {
    if (this.#state === 'lost') return
    this.#move('lost')
    this.#subscriptions = []
  }

  #end(subscription: Subscription): void {
    const { index } = subscription
    if (index < 0) return
    subscription.index = -1
    const last = this.#subscriptions.pop()
    if (last === undefined || last === subscription) return
    last.index = index
    this.#subscriptions[index] = last
  }

  /** A listener that moves the lease further has told everybody; the outer round is over then. */
  #move(state: 'recalled' | 'lost'): void {
    this.#state = state
    for (const subscription of [...this.#subscriptions]) {
      if (this.#state !== state) return
      if (subscription.index >= 0) call(subscription.listener)
    }
  }
}

function call(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    throwLater(error)
  }
}

function nothing(): void {}
