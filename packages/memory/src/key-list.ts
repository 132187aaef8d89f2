import { MessageQueue } from './message-queue.ts'

/** Who takes messages, as far as keys are concerned. */
export interface Taker {
  /** The keys it owns of which messages wait. */
  readonly ownKeys: KeyList
}

/** One ordering key of which messages wait or are unsettled. */
export class KeyState {
  readonly key: string
  /** Who has its unsettled messages. */
  owner: Taker | undefined
  unsettled = 0
  /** Its messages that were reached in the shared queue but could not be delivered yet. */
  readonly queue = new MessageQueue()
  list: KeyList | undefined
  before: KeyState | undefined
  after: KeyState | undefined

  constructor(key: string) {
    this.key = key
  }
}

/** Keys in a round: a doubly linked list that each can leave at constant cost. A key is in one list at most. */
export class KeyList {
  #first: KeyState | undefined
  #last: KeyState | undefined

  get first(): KeyState | undefined {
    return this.#first
  }

  /** Moves the key to the end of this list, from wherever it is. */
  add(state: KeyState): void {
    state.list?.remove(state)
    state.list = this
    state.before = this.#last
    if (this.#last === undefined) this.#first = state
    else this.#last.after = state
    this.#last = state
  }

  remove(state: KeyState): void {
    if (state.list !== this) return
    if (state.before === undefined) this.#first = state.after
    else state.before.after = state.after
    if (state.after === undefined) this.#last = state.before
    else state.after.before = state.before
    state.list = state.before = state.after = undefined
  }
}
