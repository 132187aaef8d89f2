import {
  SharedLease,
  type Capabilities,
  type Clock,
  type Listener,
  type ListenRequest,
  type OnDelivery,
  type Settlement,
} from '@waybill/core/driver'
import { DeliverySlots, type DeliverySlot } from './delivery-slot.ts'
import { HoldLimit } from './hold-limit.ts'
import { KeyList } from './key-list.ts'
import { MemoryDelivery } from './memory-delivery.ts'
import type { MemoryFaults } from './memory-faults.ts'
import type { MemoryLane } from './memory-lane.ts'
import type { MemorySettler } from './memory-settler.ts'
import type { Member } from './member-round.ts'
import { isExpired } from './message-expiry.ts'
import { CumulativeSettlement, IndividualSettlement, type SettlementMode } from './settlement-mode.ts'
import type { StoredMessage } from './stored-message.ts'
import { receivedMessage } from './structured-message.ts'

export interface ListenerOptions {
  readonly request: ListenRequest
  readonly onDelivery: OnDelivery
  readonly lane: MemoryLane
  readonly settler: MemorySettler
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly faults: MemoryFaults
  /** Cuts the connection. */
  crash(): void
  /** The listener has nothing any more and will get nothing. */
  onGone(): void
}

/** What a connection does with its listeners. */
export interface LiveListener extends Listener {
  readonly lane: MemoryLane
  /** Stops delivering. What is out may still be settled. */
  cancel(error: unknown): void
  /** Ends at once: everything unsettled returns, and settling it is void. */
  abandon(error: unknown): void
  recallLease(): void
  /** Takes everything back, and goes on. */
  loseLease(): void
  unsettled(): readonly StoredMessage[]
}

/** Deliveries of one lane to one listener, as many at a time as was asked for. Conformance: FLW-01, SET-07, SET-08. */
export class MemoryListener implements LiveListener, Member {
  readonly ended: Promise<unknown>
  readonly lane: MemoryLane
  readonly clock: Clock
  readonly ownKeys = new KeyList()
  isInRound = false
  nextInRound: Member | undefined = undefined
  readonly #options: ListenerOptions
  readonly #onDelivery: OnDelivery
  readonly #faults: MemoryFaults
  readonly #countsDeliveries: boolean
  readonly #identifies: boolean
  readonly #dropsExpired: boolean
  readonly #slots: DeliverySlots
  readonly #mode: SettlementMode
  readonly #holdLimit: HoldLimit | undefined
  #lease = new SharedLease()
  #isOpen = true
  #isRecalled = false
  #isGone = false
  #end!: (error: unknown) => void
  #drained: Promise<void> | undefined
  #finishDrain: (() => void) | undefined

  constructor(options: ListenerOptions) {
    const { request, capabilities, settler, clock } = options
    this.#options = options
    this.lane = options.lane
    this.clock = clock
    this.#onDelivery = options.onDelivery
    this.#faults = options.faults
    this.#countsDeliveries = capabilities.deliveries !== 'none'
    this.#identifies = options.capabilities.retryInPlace !== undefined
    this.#dropsExpired = capabilities.nativeExpiry
    this.#slots = new DeliverySlots(request, this.#onSettled)
    this.#mode =
      capabilities.settlement === 'cumulative'
        ? new CumulativeSettlement(settler)
        : new IndividualSettlement(settler, capabilities.release === 'atDrain')
    if (capabilities.holdMs < Infinity) {
      this.#holdLimit = new HoldLimit(capabilities.holdMs, clock, this.#slots, (slot) => this.#expire(slot))
    }
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.lane.join(this)
  }

  get hasRoom(): boolean {
    return this.#isOpen && !this.#isRecalled && this.#slots.hasRoom
  }

  deliver(message: StoredMessage): void {
    if (this.#faults.isActive && this.#faults.crashes('deliver', 'before')) {
      this.lane.giveBack(message)
      this.#options.crash()
      return
    }
    if (this.#dropsExpired && isExpired(message.message, this.clock)) {
      this.#options.settler.accept(message)
      return
    }
    const lease = this.#holdLimit === undefined ? this.#lease : new SharedLease()
    const slot = this.#slots.take(message, lease)
    this.#holdLimit?.start(slot)
    this.#mode.delivered(message)
    const deliveries = ++message.deliveries
    const count = this.#countsDeliveries ? deliveries : undefined
    const wire = this.#identifies ? message.identifiedIn(this.lane.name) : message.message
    const delivery = new MemoryDelivery(receivedMessage(wire), count, lease, this.lane, message.sequence)
    void this.#onDelivery(delivery).then(slot.onSettled, slot.onFailed)
    if (this.#faults.isActive && this.#faults.crashes('deliver', 'after')) this.#options.crash()
  }

  nothingToDeliver(): void {}

  drain(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      this.#finishDrain = resolve
      if (this.#isGone) resolve()
      else this.#close()
    })
    return this.#drained
  }

  cancel(error: unknown): void {
    if (!this.#isOpen) return
    this.#close()
    this.#end(error)
  }

  abandon(error: unknown): void {
    this.#isOpen = false
    this.lane.leave(this)
    this.#takeBack()
    this.#gone()
    this.#end(error)
  }

  /** Nothing more comes before all that is out was settled. */
  recallLease(): void {
    const out = this.#slots.withMessage()
    if (out.length === 0) return
    this.#isRecalled = true
    for (const { lease } of out) lease?.recall()
  }

  loseLease(): void {
    this.#takeBack()
    this.#lease = new SharedLease()
  }

  unsettled(): readonly StoredMessage[] {
    return this.#mode.unsettled(this.#unresolved())
  }

  readonly #onSettled = (slot: DeliverySlot, settlement: Settlement): void => {
    const { message } = slot
    this.#slots.leave(slot)
    if (this.#isRecalled && this.#slots.taken === 0) this.#renew()
    if (message !== undefined) {
      if (this.#faults.isActive) this.#settleUnderFaults(message, settlement)
      else this.#mode.settle(message, settlement)
    }
    if (!this.#isOpen) this.#goWhenEmpty()
    else if (!this.isInRound && this.hasRoom) this.lane.hasRoom(this)
  }

  #settleUnderFaults(message: StoredMessage, settlement: Settlement): void {
    const { crash } = this.#options
    const lost = this.#faults.settlementLost()
    if (lost !== undefined) {
      this.#mode.failed(message, lost.error)
    } else if (this.#faults.crashes('settle', 'before')) {
      this.#mode.abandoned([message, ...this.#unresolved()])
      this.#forgetMessages()
      crash()
    } else {
      this.#mode.settle(message, settlement)
      if (this.#faults.crashes('settle', 'after')) crash()
    }
  }

  #renew(): void {
    this.#isRecalled = false
    this.#lease = new SharedLease()
  }

  #expire(slot: DeliverySlot): void {
    const { message, lease } = slot
    slot.message = undefined
    if (message !== undefined) this.#options.settler.lost(message)
    lease?.lose()
  }

  #unresolved(): StoredMessage[] {
    return this.#slots.withMessage().map((slot) => slot.message as StoredMessage)
  }

  #takeBack(): void {
    this.#mode.abandoned(this.#unresolved())
    this.#forgetMessages()
  }

  #forgetMessages(): void {
    const out = this.#slots.withMessage()
    for (const slot of out) slot.message = undefined
    this.#lease.lose()
    for (const { lease } of out) lease?.lose()
  }

  #close(): void {
    this.#isOpen = false
    this.lane.leave(this)
    this.#goWhenEmpty()
  }

  #goWhenEmpty(): void {
    if (this.#slots.taken > 0) return
    this.#mode.abandoned([])
    this.#gone()
  }

  #gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#holdLimit?.stop()
    this.#finishDrain?.()
    this.#options.onGone()
  }
}
