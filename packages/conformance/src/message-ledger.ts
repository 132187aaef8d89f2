import { deepEqual } from 'node:assert/strict'

/**
 * What became of messages, in the words of Jepsen's total-queue checker. Counts of messages, not of deliveries.
 */
export interface MessageAccount {
  /** Sends that were begun. */
  readonly attempted: number
  /** Sends that resolved. */
  readonly acknowledged: number
  /** Sends that rejected. */
  readonly rejected: number
  /** Attempted, and handled with success. */
  readonly ok: number
  /** Handled with success though the send did not resolve. */
  readonly recovered: number
  /** Acknowledged, and neither handled with success nor a dead letter. */
  readonly lost: number
  /** Handled with success more than once. */
  readonly duplicated: number
  /** Handled, and never attempted. */
  readonly unexpected: number
  readonly deadLettered: number
}

/** Keeps the account of one load: tell it every send, every handled message and every dead letter. */
export class MessageLedger {
  readonly #attempted = new Set<string>()
  readonly #acknowledged = new Set<string>()
  readonly #rejected = new Map<string, unknown>()
  readonly #handled = new Map<string, number>()
  readonly #deadLettered = new Map<string, number>()

  /** Sends with an id of its own, and notes what came of it. Never rejects: a rejection stands in the account. */
  async send(id: string, send: (id: string) => Promise<unknown>): Promise<void> {
    this.#attempted.add(id)
    try {
      await send(id)
      this.#acknowledged.add(id)
    } catch (error) {
      this.#rejected.set(id, error)
    }
  }

  /** A handler ended with success. */
  handled(id: string): void {
    this.#handled.set(id, (this.#handled.get(id) ?? 0) + 1)
  }

  deadLettered(id: string): void {
    this.#deadLettered.set(id, (this.#deadLettered.get(id) ?? 0) + 1)
  }

  /** How many different messages were handled with success so far. */
  get handledMessages(): number {
    return this.#handled.size
  }

  get acknowledged(): ReadonlySet<string> {
    return this.#acknowledged
  }

  /** Acknowledged, and not handled so far. */
  get open(): readonly string[] {
    return [...this.#acknowledged].filter((id) => !this.#handled.has(id))
  }

  get duplicated(): readonly string[] {
    return [...this.#handled].filter(([, times]) => times > 1).map(([id]) => id)
  }

  get rejections(): readonly unknown[] {
    return [...this.#rejected.values()]
  }

  get account(): MessageAccount {
    const handled = [...this.#handled.keys()]
    const attempted = handled.filter((id) => this.#attempted.has(id))
    return {
      attempted: this.#attempted.size,
      acknowledged: this.#acknowledged.size,
      rejected: this.#rejected.size,
      ok: attempted.length,
      recovered: attempted.filter((id) => !this.#acknowledged.has(id)).length,
      lost: this.open.filter((id) => !this.#deadLettered.has(id)).length,
      duplicated: this.duplicated.length,
      unexpected: handled.length - attempted.length,
      deadLettered: this.#deadLettered.size,
    }
  }

  /** Every send resolved, nothing is lost, nothing foreign came. Duplicates are for the caller to judge. */
  expectWhole(): void {
    const { rejected, lost, unexpected } = this.account
    const lostOnes = this.open.filter((id) => !this.#deadLettered.has(id)).slice(0, 10)
    const because = [...new Set(this.rejections.map(String))].slice(0, 3)
    deepEqual({ rejected, lost, unexpected }, { rejected: 0, lost: 0, unexpected: 0 }, `${lostOnes} ${because.join()}`)
  }
}
