import type { Clock, Timer } from './driver/clock.ts'
import type { PendingSend, PendingSendList } from './pending-send.ts'

/** One timer for all sends that wait: at the earliest deadline known it tells which are due, and looks for the next. */
export class SendDeadline {
  readonly #clock: Clock
  readonly #pending: PendingSendList
  readonly #onDue: (send: PendingSend) => void
  #timer: Timer | undefined
  #at = Infinity

  constructor(clock: Clock, pending: PendingSendList, onDue: (send: PendingSend) => void) {
    this.#clock = clock
    this.#pending = pending
    this.#onDue = onDue
  }

  watch({ deadlineAt }: PendingSend): void {
    if (deadlineAt < this.#at) this.#arm(deadlineAt)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #arm(at: number): void {
    this.#timer?.cancel()
    this.#at = at
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.monotonic()), this.#look)
  }

  readonly #look = (): void => {
    const now = this.#clock.monotonic()
    let earliest = Infinity
    for (let send = this.#pending.first; send !== undefined; ) {
      const next: PendingSend | undefined = send.next
      if (send.deadlineAt <= now) this.#onDue(send)
      else if (send.deadlineAt < earliest) earliest = send.deadlineAt
      send = next
    }
    this.#timer = undefined
    this.#at = Infinity
    if (earliest < Infinity) this.#arm(earliest)
  }
}
