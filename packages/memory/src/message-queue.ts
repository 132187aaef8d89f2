import { BinaryHeap } from './binary-heap.ts'
import type { StoredMessage } from './stored-message.ts'

/**
 * Messages in the order of the channel, as a linked list: constant cost at any length, nothing allocated per message.
 *
 * What is given back goes to its old place. It has been taken from the front, so it comes before everything that has
 * never been taken; a heap keeps the order among such returners.
 */
export class MessageQueue {
  #size = 0
  #head: StoredMessage | undefined
  #tail: StoredMessage | undefined
  #returned: BinaryHeap<StoredMessage> | undefined

  get size(): number {
    return this.#size
  }

  /** Adds behind all others; its sequence is higher than theirs. */
  add(message: StoredMessage): void {
    if (this.#tail === undefined) this.#head = message
    else this.#tail.next = message
    this.#tail = message
    this.#size++
  }

  /** Puts a message that was taken from here back to its place. */
  giveBack(message: StoredMessage): void {
    this.#returned ??= new BinaryHeap(isBefore)
    this.#returned.add(message)
    this.#size++
  }

  peek(): StoredMessage | undefined {
    return this.#returned?.first ?? this.#head
  }

  take(): StoredMessage | undefined {
    if (this.#returned !== undefined) return this.#takeReturned(this.#returned)
    const first = this.#head
    if (first === undefined) return undefined
    this.#head = first.next
    if (this.#head === undefined) this.#tail = undefined
    first.next = undefined
    this.#size--
    return first
  }

  /** In order, without taking. */
  *values(): Generator<StoredMessage> {
    if (this.#returned !== undefined) yield* this.#returned.values().toSorted((a, b) => a.sequence - b.sequence)
    for (let message = this.#head; message !== undefined; message = message.next) yield message
  }

  #takeReturned(returned: BinaryHeap<StoredMessage>): StoredMessage | undefined {
    const first = returned.shift()
    if (returned.size === 0) this.#returned = undefined
    this.#size--
    return first
  }
}

function isBefore(a: StoredMessage, b: StoredMessage): boolean {
  return a.sequence < b.sequence
}
