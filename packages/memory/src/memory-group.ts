import type { Lane } from '@waybill/core/driver'
import { PlainBacklog } from './backlog.ts'
import { KeyedBacklog } from './keyed-backlog.ts'
import { MemoryLane } from './memory-lane.ts'
import type { MemoryTurns } from './memory-turns.ts'

export interface GroupOptions {
  readonly channel: string
  readonly name: string
  /** Whether messages of one key stay in order and with one owner. */
  readonly keyed: boolean
  /** Whether a blocked key leaves all room to others. */
  readonly isolatesKeys: boolean
  readonly isTemporary: boolean
  /** The last place taken in the channel when the group was made. */
  readonly createdAfter: number
  readonly turns: MemoryTurns
  nextSequence(): number
}

/** A group of a channel: its own copy of every message, in a main lane, a dead lane and lanes to wait in. */
export class MemoryGroup {
  readonly name: string
  readonly keyed: boolean
  readonly isTemporary: boolean
  readonly createdAfter: number
  readonly main: MemoryLane
  readonly dead: MemoryLane
  /** The delays that were provisioned. */
  readonly tiersMs = new Set<number>()
  /** Whether anybody ever listened. */
  wasListenedTo = false
  readonly #options: GroupOptions
  readonly #delayLanes = new Map<string, MemoryLane>()
  readonly #laneDelaysMs: number[] = []

  constructor(options: GroupOptions) {
    this.name = options.name
    this.keyed = options.keyed
    this.isTemporary = options.isTemporary
    this.createdAfter = options.createdAfter
    this.#options = options
    this.main = this.#make('', options.keyed ? new KeyedBacklog(options.isolatesKeys) : new PlainBacklog())
    this.dead = this.#make('/dead', new PlainBacklog())
  }

  /** `undefined`: no such lane was provisioned. */
  lane(lane: Lane | undefined): MemoryLane | undefined {
    if (lane === undefined || lane === 'main') return this.main
    return lane === 'dead' ? this.dead : this.#delayLanes.get(lane)
  }

  lanes(): MemoryLane[] {
    return [this.main, this.dead, ...this.#delayLanes.values()]
  }

  /** The delays of its lanes to wait in. */
  get laneDelaysMs(): readonly number[] {
    return this.#laneDelaysMs
  }

  addDelayLane(delayMs: number): void {
    const lane = `delay.${delayMs}`
    if (this.#delayLanes.has(lane)) return
    this.#delayLanes.set(lane, this.#make(`/${lane}`, new PlainBacklog()))
    this.#laneDelaysMs.push(delayMs)
  }

  #make(suffix: string, backlog: PlainBacklog | KeyedBacklog): MemoryLane {
    const { channel, name, turns, nextSequence } = this.#options
    return new MemoryLane({ name: `${channel}/${name}${suffix}`, backlog, turns, nextSequence })
  }
}
