import { DueHeap, type Due, type Timer } from '@waybill/core/driver'
import { promisesSettled } from './real-world.ts'

/** A simulation in which this much happens without an end is one that runs in circles. */
const mostSteps = 300_000

class Happening implements Due, Timer {
  dueAt: number
  sequence: number
  index = -1
  readonly callback: () => void
  readonly #heap: DueHeap<Happening>

  constructor(heap: DueHeap<Happening>, dueAt: number, sequence: number, callback: () => void) {
    this.#heap = heap
    this.dueAt = dueAt
    this.sequence = sequence
    this.callback = callback
  }

  cancel(): void {
    this.#heap.remove(this)
  }
}

/**
 * Virtual time: one thing happens at a time, and everything it set going has come to rest before the next does.
 *
 * Nothing in a simulation happens but by `after`, so that a seed decides everything.
 */
export class World {
  readonly #heap = new DueHeap<Happening>()
  #nextSequence = 0
  nowMs = 0
  steps = 0

  after(delayMs: number, callback: () => void): Timer {
    const happening = new Happening(this.#heap, this.nowMs + Math.max(0, delayMs), this.#nextSequence++, callback)
    this.#heap.add(happening)
    return happening
  }

  /** Goes on until `isOver` says so, or nothing is left to happen. */
  async run(isOver: () => boolean): Promise<void> {
    await promisesSettled()
    for (let next = this.#heap.first; next !== undefined && !isOver(); next = this.#heap.first) {
      this.#heap.remove(next)
      this.nowMs = next.dueAt
      if (++this.steps > mostSteps) return
      next.callback()
      await promisesSettled()
    }
  }

  get isTooBusy(): boolean {
    return this.steps > mostSteps
  }
}
