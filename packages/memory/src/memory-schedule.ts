import type { Clock, Timer } from '@waybill/core/driver'
import { BinaryHeap } from './binary-heap.ts'

interface Scheduled {
  readonly dueAt: number
  readonly sequence: number
  readonly fire: () => void
}

/**
 * Messages that wait for their time, in the broker: they outlive the connection that sent them.
 *
 * Time is that of the connections. With none open no timer runs, so that nothing keeps the process alive; what fell due
 * meanwhile comes as soon as one opens.
 */
export class MemorySchedule {
  readonly #heap = new BinaryHeap<Scheduled>(isBefore)
  readonly #clocks: Clock[] = []
  #nextSequence = 0
  #timer: Timer | undefined
  #armedFor = Infinity

  get size(): number {
    return this.#heap.size
  }

  /** The present time of the connections; 0 with none open. */
  get nowMs(): number {
    return Math.floor(this.#clocks.at(-1)?.monotonic() ?? 0)
  }

  attach(clock: Clock): void {
    this.#clocks.push(clock)
    this.#armedFor = Infinity
    this.#fireDue(clock.monotonic())
  }

  detach(clock: Clock): void {
    const at = this.#clocks.lastIndexOf(clock)
    if (at >= 0) this.#clocks.splice(at, 1)
    this.#arm()
  }

  /** Not before `delayMs` from now. */
  after(delayMs: number, clock: Clock, fire: () => void): void {
    const item = { dueAt: clock.monotonic() + delayMs, sequence: this.#nextSequence++, fire }
    this.#heap.add(item)
    if (item.dueAt < this.#armedFor) this.#arm()
  }

  #fireDue(now: number): void {
    for (let first = this.#heap.first; first !== undefined && first.dueAt <= now; first = this.#heap.first) {
      this.#heap.shift()
      first.fire()
    }
    this.#arm()
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armedFor = Infinity
    const clock = this.#clocks.at(-1)
    const first = this.#heap.first
    if (clock === undefined || first === undefined) return
    const { dueAt } = first
    this.#armedFor = dueAt
    this.#timer = clock.after(dueAt - clock.monotonic(), () => {
      this.#timer = undefined
      this.#fireDue(Math.max(clock.monotonic(), dueAt))
    })
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.sequence < b.sequence)
}
