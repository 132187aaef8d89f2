import type { Settlement } from '@waybill/core/driver'
import type { MemorySettler } from './memory-settler.ts'
import type { StoredMessage } from './stored-message.ts'

/** When what a listener's user decided takes effect. */
export interface SettlementMode {
  delivered(message: StoredMessage): void
  settle(message: StoredMessage, settlement: Settlement): void
  /** The settlement got lost on the way. */
  failed(message: StoredMessage, error: unknown): void
  /** The listener is gone, and with it what it had: `unresolved` and what this mode kept back. */
  abandoned(unresolved: readonly StoredMessage[]): void
  /** What is not settled, as the broker sees it. */
  unsettled(unresolved: readonly StoredMessage[]): readonly StoredMessage[]
}

/** Each message by itself and at once; what is released, on request only when the listener is gone. */
export class IndividualSettlement implements SettlementMode {
  readonly #settler: MemorySettler
  readonly #keepsReleased: boolean
  readonly #kept: StoredMessage[] = []

  constructor(settler: MemorySettler, keepsReleased: boolean) {
    this.#settler = settler
    this.#keepsReleased = keepsReleased
  }

  delivered(): void {}

  settle(message: StoredMessage, settlement: Settlement): void {
    if (settlement.kind === 'accept') this.#settler.accept(message)
    else if (settlement.kind === 'release' && this.#keepsReleased) this.#kept.push(message)
    else this.#settler.settle(message, settlement)
  }

  failed(message: StoredMessage, error: unknown): void {
    this.#settler.refuse(message, error)
  }

  abandoned(unresolved: readonly StoredMessage[]): void {
    for (const message of this.#kept.splice(0)) this.#settler.release(message)
    for (const message of unresolved) this.#settler.lost(message)
  }

  unsettled(unresolved: readonly StoredMessage[]): readonly StoredMessage[] {
    return [...unresolved, ...this.#kept]
  }
}

interface Entry {
  readonly message: StoredMessage
  isAccepted: boolean
  next: Entry | undefined
}

/**
 * Only the unbroken run of accepted messages from the first delivered one on, as a log with one offset. Behind a
 * message that is released or fails nothing is settled until the listener is gone; then all of it comes again.
 */
export class CumulativeSettlement implements SettlementMode {
  readonly #settler: MemorySettler
  readonly #entries = new Map<StoredMessage, Entry>()
  #first: Entry | undefined
  #last: Entry | undefined

  constructor(settler: MemorySettler) {
    this.#settler = settler
  }

  delivered(message: StoredMessage): void {
    const entry: Entry = { message, isAccepted: false, next: undefined }
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#entries.set(message, entry)
  }

  settle(message: StoredMessage, settlement: Settlement): void {
    const entry = this.#entries.get(message)
    if (entry === undefined || settlement.kind === 'release') return
    if (settlement.kind !== 'accept' && !this.#settler.copyAside(message, settlement)) return
    entry.isAccepted = true
    this.#commit()
  }

  failed(message: StoredMessage, error: unknown): void {
    this.#settler.reportFailure(message, error)
  }

  abandoned(): void {
    const left = this.unsettled()
    this.#entries.clear()
    this.#first = this.#last = undefined
    for (const message of left) this.#settler.lost(message)
  }

  unsettled(): readonly StoredMessage[] {
    return [...this.#entries.keys()]
  }

  #commit(): void {
    while (this.#first?.isAccepted) {
      const { message, next } = this.#first
      this.#first = next
      if (next === undefined) this.#last = undefined
      this.#entries.delete(message)
      this.#settler.accept(message)
    }
  }
}
