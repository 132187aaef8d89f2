import type { WireMessage } from '@waybill/core/driver'
import { MemoryGroup } from './memory-group.ts'
import type { MemoryTurns } from './memory-turns.ts'
import { StoredMessage } from './stored-message.ts'

export interface NewGroup {
  readonly name: string
  readonly keyed: boolean
  readonly isolatesKeys: boolean
  readonly isTemporary: boolean
}

/** A named destination: what is sent here reaches every group once. */
export class MemoryChannel {
  readonly name: string
  readonly groups = new Map<string, MemoryGroup>()
  /** Messages to all groups that wait for their time. */
  delayed = 0
  #bound: MemoryGroup[] = []
  #log: StoredMessage[] | undefined
  readonly #turns: MemoryTurns
  #sequence = 0

  constructor(name: string, turns: MemoryTurns) {
    this.name = name
    this.#turns = turns
  }

  get isBound(): boolean {
    return this.#bound.length > 0
  }

  /** Keeps every message from now on, for groups that start at the oldest one. */
  keepLog(): void {
    this.#log ??= []
  }

  /** Stores a copy for every group. */
  publish(message: WireMessage, storedAtMs: number): void {
    const sequence = ++this.#sequence
    for (const group of this.#bound) group.main.addStored(new StoredMessage(message, sequence, storedAtMs))
    this.#log?.push(new StoredMessage(message, sequence, storedAtMs))
  }

  addGroup({ name, keyed, isolatesKeys, isTemporary }: NewGroup): MemoryGroup {
    const group = new MemoryGroup({
      channel: this.name,
      name,
      keyed,
      isolatesKeys,
      isTemporary,
      createdAfter: this.#sequence,
      turns: this.#turns,
      nextSequence: this.#nextSequence,
    })
    this.groups.set(name, group)
    this.#bound = [...this.#bound, group]
    return group
  }

  removeGroup(group: MemoryGroup): void {
    this.groups.delete(group.name)
    this.#bound = this.#bound.filter((each) => each !== group)
  }

  /** Gives a group that nobody ever listened to what was sent before it was made, as far back as `from` says. */
  replayInto(group: MemoryGroup, from: (message: StoredMessage) => boolean): void {
    const older = (this.#log ?? []).filter((each) => each.sequence <= group.createdAfter && from(each))
    group.main.addOlder(older.map((each) => new StoredMessage(each.message, each.sequence, each.storedAtMs)))
  }

  /** Whether a message at this place was ever stored. */
  hasReached(sequence: number): boolean {
    return sequence <= this.#sequence
  }

  readonly #nextSequence = (): number => ++this.#sequence
}
