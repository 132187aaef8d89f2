import type { Clock } from '@waybill/core/driver'
import type { Taker } from './key-list.ts'
import type { StoredMessage } from './stored-message.ts'

/** One that messages of a lane are handed to. */
export interface Member extends Taker {
  readonly clock: Clock
  readonly hasRoom: boolean
  /** Whether it stands in the round, and before whom. Both belong to the round. */
  isInRound: boolean
  nextInRound: Member | undefined
  deliver(message: StoredMessage): void
  /** What waits is not for this member at present. */
  nothingToDeliver(): void
  /** Set by one that wants to hear when nothing waits any more. */
  readonly emptied?: () => void
}

/** The members with room, in turn: each goes to the end after it was served. */
export class MemberRound {
  #size = 0
  #first: Member | undefined
  #last: Member | undefined

  get size(): number {
    return this.#size
  }

  get first(): Member | undefined {
    return this.#first
  }

  push(member: Member): void {
    if (member.isInRound) return
    member.isInRound = true
    if (this.#last === undefined) this.#first = member
    else this.#last.nextInRound = member
    this.#last = member
    this.#size++
  }

  shift(): Member | undefined {
    const member = this.#first
    if (member === undefined) return undefined
    this.#first = member.nextInRound
    if (this.#first === undefined) this.#last = undefined
    member.nextInRound = undefined
    member.isInRound = false
    this.#size--
    return member
  }

  remove(member: Member): void {
    if (!member.isInRound) return
    for (let left = this.#size; left > 0; left--) {
      const each = this.shift() as Member
      if (each !== member) this.push(each)
    }
  }
}
