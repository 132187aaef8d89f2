import { Deque } from './deque.ts'

/** The place of one send among those of its producer. */
export interface SendTurn {
  /** It went out, or never will: nobody waits for it. */
  passed: boolean
  onTurn: (() => void) | undefined
}

/** Keeps sends in the order of their submission, however long each one's middleware takes. Conformance: SND-14. */
export class SendTurns {
  readonly #turns = new Deque<SendTurn>()

  /** Those that have not passed. */
  get count(): number {
    return this.#turns.length
  }

  take(): SendTurn {
    const turn: SendTurn = { passed: false, onTurn: undefined }
    this.#turns.push(turn)
    return turn
  }

  /** Runs `work` when all earlier turns have passed: now, where that is so. Middleware may do it again. */
  run<T>(turn: SendTurn, work: () => Promise<T>): Promise<T> {
    if (turn.passed) return work()
    if (this.#turns.peek() === turn) return this.#runNow(turn, work)
    const itsTurn = new Promise<void>((resolve) => {
      turn.onTurn = resolve
    })
    return itsTurn.then(() => this.#runNow(turn, work))
  }

  /** Lets the others pass. */
  pass(turn: SendTurn): void {
    turn.passed = true
    let first = this.#turns.peek()
    while (first?.passed) {
      this.#turns.shift()
      first = this.#turns.peek()
    }
    first?.onTurn?.()
  }

  #runNow<T>(turn: SendTurn, work: () => Promise<T>): Promise<T> {
    try {
      return work()
    } finally {
      this.pass(turn)
    }
  }
}
