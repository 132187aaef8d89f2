import type { Outgoing, SendDone, SendFailure } from '@waybill/core/driver'

/** A batch on its way: one object per call of `send`, none per message. */
export interface SendBatch {
  readonly entries: readonly Outgoing[]
  readonly done: SendDone
}

const initialCapacity = 256

/**
 * The publishes of one amqp channel that the broker has not answered, by delivery tag: 1, 2, 3, …
 *
 * A ring of parallel arrays, so that a message costs no object, closure or map entry.
 */
export class ConfirmWindow {
  #mask = initialCapacity - 1
  #batches = new Array<SendBatch | undefined>(initialCapacity)
  #indexes = new Array<number>(initialCapacity)
  #routingKeys = new Array<string>(initialCapacity)
  #oldest = 1
  #next = 1
  #lastReturned = 0
  #onEmpty: (() => void)[] = []

  push(batch: SendBatch, index: number, routingKey: string): void {
    if (this.#next - this.#oldest > this.#mask) this.#grow()
    const slot = this.#next++ & this.#mask
    this.#batches[slot] = batch
    this.#indexes[slot] = index
    this.#routingKeys[slot] = routingKey
  }

  /** The broker's answer to `tag`, or to all up to it. */
  confirm(tag: number, multiple: boolean, failure?: SendFailure): void {
    if (!multiple) this.#answer(tag, failure)
    else while (this.#oldest <= tag && this.#oldest < this.#next) this.#answer(this.#oldest, failure)
    if (this.#oldest === this.#next && this.#onEmpty.length > 0) this.#emptied()
  }

  /**
   * The broker returned a message: it fails now, and the confirm that follows means nothing.
   *
   * Exact, although a return bears no tag: returns come before their confirm and in the order of publishing, so it is
   * the first unanswered publish of that id and routing key after the one returned last.
   */
  return(messageId: string | undefined, routingKey: string, failure: SendFailure): boolean {
    for (let tag = Math.max(this.#oldest, this.#lastReturned + 1); tag < this.#next; tag++) {
      const slot = tag & this.#mask
      const batch = this.#batches[slot]
      if (batch === undefined || this.#routingKeys[slot] !== routingKey) continue
      const index = this.#indexes[slot]!
      if (batch.entries[index]?.message.id !== messageId) continue
      this.#lastReturned = tag
      this.#batches[slot] = returned
      batch.done(index, failure)
      return true
    }
    return false
  }

  /** No more answers will come. */
  failAll(failureOf: (entry: Outgoing) => SendFailure): void {
    while (this.#oldest < this.#next) {
      const slot = this.#oldest & this.#mask
      const batch = this.#batches[slot]
      const entry = batch?.entries[this.#indexes[slot]!]
      this.#answer(this.#oldest, entry === undefined ? undefined : failureOf(entry))
    }
    this.#emptied()
  }

  /** Resolves once nothing is unanswered. */
  empty(): Promise<void> {
    if (this.#oldest === this.#next) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  /** Moves the window on before it calls out, since `done` may push. */
  #answer(tag: number, failure: SendFailure | undefined): void {
    const slot = tag & this.#mask
    const batch = this.#batches[slot]
    if (batch === undefined || tag < this.#oldest || tag >= this.#next) return
    this.#batches[slot] = undefined
    if (tag === this.#oldest) this.#advance()
    batch.done(this.#indexes[slot]!, failure)
  }

  #advance(): void {
    do this.#oldest++
    while (this.#oldest < this.#next && this.#batches[this.#oldest & this.#mask] === undefined)
  }

  #emptied(): void {
    for (const resolve of this.#onEmpty.splice(0)) resolve()
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2
    const { indexes, batches, routingKeys } = {
      indexes: this.#indexes,
      batches: this.#batches,
      routingKeys: this.#routingKeys,
    }
    this.#indexes = new Array<number>(capacity)
    this.#batches = new Array<SendBatch | undefined>(capacity)
    this.#routingKeys = new Array<string>(capacity)
    for (let tag = this.#oldest; tag < this.#next; tag++) {
      const from = tag & this.#mask
      const to = tag & (capacity - 1)
      this.#indexes[to] = indexes[from]!
      this.#batches[to] = batches[from]
      this.#routingKeys[to] = routingKeys[from]!
    }
    this.#mask = capacity - 1
  }
}

/** In the place of a message that was answered when it was returned. */
const returned: SendBatch = { entries: [], done: () => {} }
