import type { Address, Outgoing, SendDone, SendFailure } from '@waybill/core/driver'
import { MemoryBrokerError } from './memory-errors.ts'
import type { MemoryFaults } from './memory-faults.ts'
import { failFrom, lostFailure, type MemorySender } from './memory-sender.ts'

/** A batch that is not answered yet. */
interface OpenBatch {
  readonly to: Address
  readonly batch: readonly Outgoing[]
  readonly done: SendDone
  /** How many entries are stored, and how many answered. */
  stored: number
  answered: number
}

/** Sending while faults are on: blocked, cut, refused, or confirmed late. Slower, and only then in use. */
export class FaultySender {
  readonly #sender: MemorySender
  readonly #faults: MemoryFaults
  readonly #crash: () => void
  readonly #limits: { readonly maxBatchesInFlight: number; readonly keyed: 'pipelined' | 'serial' }
  #open: OpenBatch[] = []
  #whenFlushed: (() => void)[] = []

  constructor(
    sender: MemorySender,
    faults: MemoryFaults,
    limits: { readonly maxBatchesInFlight: number; readonly keyed: 'pipelined' | 'serial' },
    crash: () => void,
  ) {
    this.#sender = sender
    this.#faults = faults
    this.#limits = limits
    this.#crash = crash
  }

  /** Whether something is unanswered: what follows must not overtake it. */
  get hasOpen(): boolean {
    return this.#open.length > 0
  }

  send(to: Address, batch: readonly Outgoing[], done: SendDone): void {
    const failure = this.#overlap(to, batch) ?? this.#sender.batchFailure(to, batch)
    if (failure !== undefined) {
      failFrom(0, batch.length, done, failure)
      return
    }
    this.#open.push({ to, batch, done, stored: 0, answered: 0 })
    this.proceed()
  }

  /** Stores and confirms what the faults now let through. */
  proceed(): void {
    for (const open of [...this.#open]) {
      if (this.#faults.isBlocked || !this.#advance(open)) break
    }
    this.#tidy()
  }

  /** Confirms up to `limit` stored entries; answers how many. */
  confirm(limit: number): number {
    let confirmed = 0
    for (const open of [...this.#open]) {
      while (confirmed < limit && open.answered < open.stored) {
        confirmed++
        open.done(open.answered++)
      }
    }
    this.#tidy()
    return confirmed
  }

  /** Fails all that is unanswered: what is stored may or may not have arrived, for all that the sender knows. */
  lose(): void {
    const open = this.#open
    this.#open = []
    for (const each of open) {
      const { batch, done, stored, answered } = each
      each.stored = each.answered = batch.length
      failFrom(answered, stored, done, lostFailure('unknown'))
      failFrom(stored, batch.length, done, lostFailure('notSent'))
    }
    this.#tidy()
  }

  /** Resolves when all is answered. */
  flushed(): Promise<void> {
    if (!this.hasOpen) return Promise.resolve()
    return new Promise((resolve) => this.#whenFlushed.push(resolve))
  }

  /** False: the connection is gone. */
  #advance(open: OpenBatch): boolean {
    while (open.stored < open.batch.length) {
      if (this.#faults.crashes('send', 'before')) return this.#cut()
      const failure = this.#storeNext(open)
      if (failure !== undefined) {
        this.#answerUpTo(open, open.stored - 1)
        if (open.answered < open.stored) open.done(open.answered++, failure)
        continue
      }
      if (this.#faults.crashes('send', 'after') || this.#faults.crashes('confirm', 'before')) return this.#cut()
      if (this.#faults.holdsConfirms) continue
      this.#answerUpTo(open, open.stored)
      if (this.#faults.crashes('confirm', 'after')) return this.#cut()
    }
    return true
  }

  #storeNext(open: OpenBatch): SendFailure | undefined {
    const entry = open.batch[open.stored++] as Outgoing
    const refusal = this.#faults.refusalOf(entry.message, open.to)
    if (refusal?.outcome === 'notSent') return refusal
    const error = this.#sender.storeOne(open.to, entry)
    return error === undefined ? refusal : { error, outcome: 'notSent' }
  }

  /** Confirms the entries before `end` that are unanswered. */
  #answerUpTo(open: OpenBatch, end: number): void {
    while (open.answered < end) open.done(open.answered++)
  }

  #cut(): false {
    this.#crash()
    return false
  }

  /** What the declared capabilities do not allow while other batches are unanswered. */
  #overlap(to: Address, batch: readonly Outgoing[]): SendFailure | undefined {
    const others = this.#open.filter((open) => isSame(open.to, to))
    if (others.length >= this.#limits.maxBatchesInFlight) return refused(`${others.length} batches are unfinished`)
    if (this.#limits.keyed === 'pipelined' || others.length === 0) return undefined
    const keys = new Set(others.flatMap((open) => open.batch.map(({ message }) => message.key)))
    const clash = batch.find(({ message }) => message.key !== undefined && keys.has(message.key))
    return clash === undefined ? undefined : refused(`a batch with key "${clash.message.key}" is unfinished`)
  }

  #tidy(): void {
    this.#open = this.#open.filter((open) => open.answered < open.batch.length)
    if (this.#open.length === 0) for (const resolve of this.#whenFlushed.splice(0)) resolve()
  }
}

function isSame(a: Address, b: Address): boolean {
  return a.channel === b.channel && a.group === b.group && (a.lane ?? 'main') === (b.lane ?? 'main')
}

function refused(what: string): SendFailure {
  const error = new MemoryBrokerError(
    'internal',
    `cannot take one more batch: ${what}, as the capabilities do not allow`,
  )
  return { error, outcome: 'notSent' }
}
