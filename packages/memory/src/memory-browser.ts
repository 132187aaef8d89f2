import { SharedLease, type Clock, type OnDelivery, type Settlement } from '@waybill/core/driver'
import { KeyList } from './key-list.ts'
import { MemoryBrokerError } from './memory-errors.ts'
import { MemoryDelivery } from './memory-delivery.ts'
import type { MemoryLane } from './memory-lane.ts'
import type { LiveListener } from './memory-listener.ts'
import type { MemorySettler } from './memory-settler.ts'
import type { Member } from './member-round.ts'
import type { StoredMessage } from './stored-message.ts'
import { receivedMessage } from './structured-message.ts'

export interface BrowserOptions {
  readonly onDelivery: OnDelivery
  readonly lane: MemoryLane
  readonly settler: MemorySettler
  readonly clock: Clock
  readonly countsDeliveries: boolean
  onGone(): void
}

/**
 * Shows what is in a lane, each message once, up to the last one that was there at the beginning. All are unsettled,
 * and so hidden from others, until the drain; those not accepted are back in their places then.
 */
export class MemoryBrowser implements LiveListener, Member {
  readonly ended: Promise<unknown>
  readonly lane: MemoryLane
  readonly clock: Clock
  readonly ownKeys = new KeyList()
  isInRound = false
  nextInRound: Member | undefined = undefined
  readonly #options: BrowserOptions
  readonly #lastSequence: number
  /** What is out, and what was released and is kept. */
  readonly #out = new Set<StoredMessage>()
  readonly #kept = new Set<StoredMessage>()
  readonly #lease = new SharedLease()
  #isOpen = true
  #end!: (error?: unknown) => void
  #drained: Promise<void> | undefined
  #finishDrain: (() => void) | undefined

  constructor(options: BrowserOptions) {
    this.#options = options
    this.lane = options.lane
    this.clock = options.clock
    this.#lastSequence = options.lane.values().at(-1)?.sequence ?? 0
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.lane.join(this)
    if (this.lane.ready === 0) this.emptied()
  }

  get hasRoom(): boolean {
    return this.#isOpen
  }

  deliver(message: StoredMessage): void {
    if (message.sequence > this.#lastSequence) {
      this.lane.giveBack(message)
      this.cancel(undefined)
      return
    }
    message.deliveries++
    this.#out.add(message)
    const count = this.#options.countsDeliveries ? message.deliveries : undefined
    const wire = receivedMessage(message.message)
    const delivery = new MemoryDelivery(wire, count, this.#lease, this.lane, message.sequence)
    const settle = (settlement: Settlement) => this.#settle(message, settlement)
    void this.#options.onDelivery(delivery).then(settle, () => settle({ kind: 'release' }))
  }

  nothingToDeliver(): void {
    this.cancel(undefined)
  }

  readonly emptied = (): void => this.cancel(undefined)

  drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      this.#finishDrain = resolve
      this.#close()
      this.#goWhenSettled()
    })
    return this.#drained
  }

  /** No more will come. What was shown stays hidden until the drain. */
  cancel(error: unknown): void {
    if (!this.#isOpen) return
    this.#close()
    this.#end(error)
  }

  abandon(error: unknown): void {
    this.#close()
    for (const message of this.unsettled()) this.#options.settler.lost(message)
    this.#out.clear()
    this.#kept.clear()
    this.#lease.lose()
    this.#gone()
    this.#end(error)
  }

  recallLease(): void {
    this.#lease.recall()
  }

  loseLease(): void {
    this.abandon(new MemoryBrokerError('leaseLost', `the lease on "${this.lane.name}" is lost`))
  }

  unsettled(): readonly StoredMessage[] {
    return [...this.#out, ...this.#kept]
  }

  #settle(message: StoredMessage, settlement: Settlement): void {
    if (!this.#out.delete(message)) return
    if (settlement.kind === 'release') this.#kept.add(message)
    else this.#options.settler.settle(message, settlement)
    this.#goWhenSettled()
  }

  #goWhenSettled(): void {
    if (this.#finishDrain === undefined || this.#out.size > 0) return
    for (const message of this.#kept) this.#options.settler.release(message)
    this.#kept.clear()
    this.#gone()
  }

  #close(): void {
    this.#isOpen = false
    this.lane.leave(this)
  }

  #gone(): void {
    this.#finishDrain?.()
    this.#finishDrain = undefined
    this.#options.onGone()
  }
}
