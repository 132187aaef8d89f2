import type { WireMessage } from '@waybill/core/driver'
import type { Backlog } from './backlog.ts'
import { KeyList } from './key-list.ts'
import { MemberRound, type Member } from './member-round.ts'
import type { MemoryTurns } from './memory-turns.ts'
import { StoredMessage } from './stored-message.ts'

export interface LaneOptions {
  /** How it is called in errors and positions: `orders/billing`, `orders/billing/dead`. */
  readonly name: string
  readonly backlog: Backlog
  readonly turns: MemoryTurns
  nextSequence(): number
}

/** What one lane of a group holds: messages that wait, messages out for settling, and the members that compete. */
export class MemoryLane {
  readonly name: string
  readonly members = new Set<Member>()
  /** Whether the next turn will visit this lane. Belongs to `MemoryTurns`. */
  isDue = false
  unsettled = 0
  /** Messages of this lane that wait for their time. */
  delayed = 0
  /** Counts what was stored, delivered and settled, so that tests see whether anything goes on. */
  changes = 0
  readonly #backlog: Backlog
  readonly #turns: MemoryTurns
  readonly #nextSequence: () => number
  readonly #round = new MemberRound()
  readonly #watchers = new Set<() => void>()

  constructor(options: LaneOptions) {
    this.name = options.name
    this.#backlog = options.backlog
    this.#turns = options.turns
    this.#nextSequence = options.nextSequence
  }

  get ready(): number {
    return this.#backlog.size
  }

  /** When the first of those that wait was stored. */
  get oldestAtMs(): number | undefined {
    return this.#backlog.oldestAtMs
  }

  /** Whether something waits and somebody has room. */
  get canDeliver(): boolean {
    return this.#backlog.size > 0 && this.#round.size > 0
  }

  add(message: WireMessage, storedAtMs: number): void {
    this.addStored(new StoredMessage(message, this.#nextSequence(), storedAtMs))
  }

  /** Adds behind all others. */
  addStored(message: StoredMessage): void {
    this.changes++
    this.#backlog.add(message)
    this.#wake()
  }

  /** Adds what was delayed, as if it came now. */
  addDelayed(message: StoredMessage): void {
    this.delayed--
    message.sequence = this.#nextSequence()
    this.addStored(message)
  }

  /** Puts messages from before this lane's first one in front of it. */
  addOlder(messages: Iterable<StoredMessage>): void {
    for (const message of messages) {
      this.unsettled++
      this.giveBack(message)
    }
  }

  settled(message: StoredMessage): void {
    this.changes++
    this.unsettled--
    this.#backlog.settled(message)
    this.#wake()
  }

  /** Puts an unsettled message back to its place. */
  giveBack(message: StoredMessage): void {
    this.changes++
    this.unsettled--
    this.#backlog.giveBack(message)
    this.#wake()
  }

  /** Takes up to `limit` waiting messages away, in order as far as keys allow. */
  remove(limit: number): WireMessage[] {
    const taker = { ownKeys: new KeyList() }
    const removed: StoredMessage[] = []
    while (removed.length < limit) {
      const message = this.#backlog.take(taker)
      if (message === undefined) break
      this.unsettled++
      removed.push(message)
      this.settled(message)
    }
    return removed.map((stored) => stored.message)
  }

  join(member: Member): void {
    this.members.add(member)
    if (member.emptied !== undefined) this.#watchers.add(member.emptied)
    this.hasRoom(member)
  }

  leave(member: Member): void {
    this.members.delete(member)
    if (member.emptied !== undefined) this.#watchers.delete(member.emptied)
    this.#round.remove(member)
  }

  /** The member can take more. */
  hasRoom(member: Member): void {
    if (member.isInRound || !this.members.has(member)) return
    this.#round.push(member)
    this.#wake()
  }

  /**
   * Hands out at most `limit` messages, one per member in turn. Answers how many.
   *
   * A whole round in vain ends it: what waits then belongs to keys of members without room.
   */
  deliver(limit: number): number {
    const round = this.#round
    let delivered = 0
    let inVain = 0
    while (delivered < limit && this.#backlog.size > 0 && inVain < round.size) {
      const member = round.shift() as Member
      if (!member.hasRoom) continue
      const message = this.#backlog.take(member)
      if (message === undefined) {
        inVain++
        round.push(member)
        member.nothingToDeliver()
        continue
      }
      inVain = 0
      delivered++
      this.changes++
      this.unsettled++
      member.deliver(message)
      if (member.hasRoom) round.push(member)
    }
    if (this.#watchers.size > 0 && this.#backlog.size === 0) for (const emptied of [...this.#watchers]) emptied()
    return delivered
  }

  /** What waits, in order. */
  values(): StoredMessage[] {
    return this.#backlog.values()
  }

  #wake(): void {
    if (this.isDue || this.#backlog.size === 0) return
    const member = this.#round.first
    if (member === undefined) return
    this.isDue = true
    this.#turns.add(this, member.clock)
  }
}
