import type { Backlog } from './backlog.ts'
import { KeyList, KeyState, type Taker } from './key-list.ts'
import { MessageQueue } from './message-queue.ts'
import type { StoredMessage } from './stored-message.ts'

/**
 * Broker order per key, and one owner per key: while messages of a key are unsettled, only the taker that has them gets
 * more of it. With none unsettled the key is anybody's again. Messages without a key are anybody's always.
 *
 * All wait in one shared queue. One that is reached there while its key belongs to another waits on in the key's own
 * queue, so each is moved at most twice, however long the backlog.
 *
 * Conformance: ORD-01, ORD-02, ORD-03, ORD-05.
 */
export class KeyedBacklog implements Backlog {
  readonly #shared = new MessageQueue()
  readonly #states = new Map<string, KeyState>()
  /** Keys without an owner of which messages wait in their own queues. */
  readonly #freeKeys = new KeyList()
  readonly #oneAtATime: boolean
  #size = 0

  /** `oneAtATime`: at most one message of a key is unsettled, so that a blocked key takes no room from others. */
  constructor(oneAtATime: boolean) {
    this.#oneAtATime = oneAtATime
  }

  get size(): number {
    return this.#size
  }

  get oldestAtMs(): number | undefined {
    let oldestAtMs = this.#shared.peek()?.storedAtMs
    for (const state of this.#states.values()) {
      const atMs = state.queue.peek()?.storedAtMs
      if (atMs !== undefined && !(atMs >= (oldestAtMs ?? Infinity))) oldestAtMs = atMs
    }
    return oldestAtMs
  }

  add(message: StoredMessage): void {
    this.#shared.add(message)
    this.#size++
  }

  take(taker: Taker): StoredMessage | undefined {
    const state = taker.ownKeys.first ?? this.#freeKeys.first
    const message = state === undefined ? this.#takeShared(taker) : this.#takeOwn(state, taker)
    if (message !== undefined) this.#size--
    return message
  }

  settled(message: StoredMessage): void {
    const state = this.#stateOf(message)
    if (state !== undefined && --state.unsettled === 0) this.#free(state)
  }

  giveBack(message: StoredMessage): void {
    this.#size++
    const state = this.#stateOf(message)
    if (state === undefined) {
      this.#shared.giveBack(message)
      return
    }
    state.queue.giveBack(message)
    if (--state.unsettled === 0) this.#free(state)
    else this.#enlist(state)
  }

  values(): StoredMessage[] {
    const all = [...this.#shared.values()]
    for (const state of this.#states.values()) all.push(...state.queue.values())
    return all.sort((a, b) => a.sequence - b.sequence)
  }

  #stateOf(message: StoredMessage): KeyState | undefined {
    const { key } = message.message
    return key === undefined ? undefined : this.#states.get(key)
  }

  #takeOwn(state: KeyState, taker: Taker): StoredMessage | undefined {
    const message = state.queue.take()
    state.owner = taker
    state.unsettled++
    state.list?.remove(state)
    this.#enlist(state)
    return message
  }

  #takeShared(taker: Taker): StoredMessage | undefined {
    for (let message = this.#shared.take(); message !== undefined; message = this.#shared.take()) {
      const { key } = message.message
      if (key === undefined) return message
      const state = this.#states.get(key)
      if (state === undefined) {
        this.#own(key, taker)
        return message
      }
      if (state.owner === taker && this.#mayRun(state)) {
        state.unsettled++
        return message
      }
      state.queue.add(message)
      this.#enlist(state)
    }
    return undefined
  }

  #own(key: string, taker: Taker): void {
    const state = new KeyState(key)
    state.owner = taker
    state.unsettled = 1
    this.#states.set(key, state)
  }

  #free(state: KeyState): void {
    state.owner = undefined
    if (state.queue.size > 0) this.#freeKeys.add(state)
    else {
      state.list?.remove(state)
      this.#states.delete(state.key)
    }
  }

  /** Lets the owner have what waits of the key. */
  #enlist(state: KeyState): void {
    const { owner } = state
    if (owner === undefined || state.list === owner.ownKeys) return
    if (state.queue.size > 0 && this.#mayRun(state)) owner.ownKeys.add(state)
  }

  #mayRun(state: KeyState): boolean {
    return !this.#oneAtATime || state.unsettled === 0
  }
}
