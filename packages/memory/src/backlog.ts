import type { Taker } from './key-list.ts'
import { MessageQueue } from './message-queue.ts'
import type { StoredMessage } from './stored-message.ts'

/** The messages of one lane that wait to be delivered, and who may have which. */
export interface Backlog {
  readonly size: number
  /** When the first of those that wait was stored; `undefined`: none waits. */
  readonly oldestAtMs: number | undefined
  /** Adds a message behind all others. */
  add(message: StoredMessage): void
  /** The next message that `taker` may have. It is unsettled then, until `settled` or `giveBack`. */
  take(taker: Taker): StoredMessage | undefined
  settled(message: StoredMessage): void
  /** Puts an unsettled message back to its place. */
  giveBack(message: StoredMessage): void
  /** What waits, in the order of the channel. */
  values(): StoredMessage[]
}

/** First come, first served; any taker may have any message. */
export class PlainBacklog implements Backlog {
  readonly #queue = new MessageQueue()

  get size(): number {
    return this.#queue.size
  }

  get oldestAtMs(): number | undefined {
    return this.#queue.peek()?.storedAtMs
  }

  add(message: StoredMessage): void {
    this.#queue.add(message)
  }

  take(): StoredMessage | undefined {
    return this.#queue.take()
  }

  settled(): void {}

  giveBack(message: StoredMessage): void {
    this.#queue.giveBack(message)
  }

  values(): StoredMessage[] {
    return [...this.#queue.values()]
  }
}
