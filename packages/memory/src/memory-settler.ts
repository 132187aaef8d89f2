import { headersOf, type Capabilities, type Clock, type DriverEvent, type Settlement } from '@waybill/core/driver'
import type { MemoryBroker } from './memory-broker.ts'
import type { MemoryGroup } from './memory-group.ts'
import type { MemoryLane } from './memory-lane.ts'
import { unsupported } from './memory-errors.ts'
import type { StoredMessage } from './stored-message.ts'

export interface SettlerOptions {
  readonly broker: MemoryBroker
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly group: MemoryGroup
  readonly lane: MemoryLane
  /** Where its dead letters go: the group's own lane, or what provisioning named instead. */
  readonly dead: MemoryLane
  report(event: DriverEvent): void
}

/** Does in the broker what a settlement says. */
export class MemorySettler {
  readonly #options: SettlerOptions
  readonly #countsReleases: boolean
  readonly #maxDeliveries: number

  constructor(options: SettlerOptions) {
    const { deliveries, retryInPlace } = options.capabilities
    this.#options = options
    this.#countsReleases = deliveries !== 'attemptsOnly'
    this.#maxDeliveries = retryInPlace?.maxDeliveries ?? Infinity
  }

  accept(message: StoredMessage): void {
    this.#options.lane.settled(message)
  }

  release(message: StoredMessage): void {
    if (!this.#countsReleases) message.deliveries--
    this.#options.lane.giveBack(message)
  }

  /** Settles in any other way than by `accept` and `release`. */
  settle(message: StoredMessage, settlement: Settlement): void {
    switch (settlement.kind) {
      case 'accept':
        return this.accept(message)
      case 'release':
        return this.release(message)
      case 'retry':
        return this.#retry(message, settlement.delayMs)
      default:
        if (this.copyAside(message, settlement)) this.accept(message)
        else this.#options.lane.giveBack(message)
    }
  }

  /** Not settled by anybody: the listener, its lease or its connection is gone. */
  lost(message: StoredMessage): void {
    if (this.#isSpent(message)) this.#giveUp(message)
    else this.#options.lane.giveBack(message)
  }

  /** The settlement was not carried out: it is reported, and the message delivered again. */
  refuse(message: StoredMessage, error: unknown): void {
    this.reportFailure(message, error)
    this.#options.lane.giveBack(message)
  }

  reportFailure(message: StoredMessage, error: unknown): void {
    this.#options.report({ kind: 'settleFailed', position: positionOf(this.#options.lane, message), error })
  }

  /** Puts a copy where the settlement says; the message itself is still to be accepted. False: it is not allowed. */
  copyAside(message: StoredMessage, settlement: Settlement): boolean {
    if (settlement.kind !== 'deadLetter' || this.#options.capabilities.deadLetter !== 'native') {
      this.reportFailure(message, unsupported(`a message was settled by "${settlement.kind}"`))
      return false
    }
    const headers = headersOf(message.message.headers, settlement.headers)
    this.#options.dead.add({ ...message.message, headers }, message.storedAtMs)
    return true
  }

  #retry(message: StoredMessage, delayMs: number): void {
    const { broker, capabilities, clock, lane } = this.#options
    const { retryInPlace } = capabilities
    if (retryInPlace === undefined || delayMs > retryInPlace.maxMs) {
      return this.refuse(message, unsupported(`a message was to be retried in place after ${delayMs} ms`))
    }
    if (this.#isSpent(message)) return this.#giveUp(message)
    if (delayMs <= 0) return lane.giveBack(message)
    lane.settled(message)
    lane.delayed++
    const { granularityMs } = retryInPlace
    const wholeMs = Math.ceil(delayMs / granularityMs) * granularityMs
    broker.schedule.after(wholeMs, clock, () => lane.addDelayed(message))
  }

  /** The broker's own limit, a backstop: the message leaves without a failure record. */
  #isSpent(message: StoredMessage): boolean {
    return message.deliveries >= this.#maxDeliveries && this.#options.lane === this.#options.group.main
  }

  #giveUp(message: StoredMessage): void {
    this.#options.dead.add(message.message, message.storedAtMs)
    this.accept(message)
  }
}

/** Where the broker keeps a message. */
export function positionOf(lane: MemoryLane, message: StoredMessage): string {
  return `${lane.name}@${message.sequence}`
}
