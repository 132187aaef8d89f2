import { inspect } from 'node:util'
import { monotonicMs } from './time.ts'

/** Lines kept of the beginning, and of the end. */
const most = 100

/** What happened in a case, in order, to be read when it failed. */
export class EventLog {
  readonly #startedAt = monotonicMs()
  readonly #first: string[] = []
  readonly #last: string[] = []
  #left = 0

  note(what: string, detail?: unknown): void {
    const at = `${Math.round(monotonicMs() - this.#startedAt)} ms`.padStart(9)
    const line = `${at}  ${what}${detail === undefined ? '' : `: ${brief(detail)}`}`
    if (this.#first.length < most) this.#first.push(line)
    else if (this.#last.push(line) > most) {
      this.#last.shift()
      this.#left++
    }
  }

  toString(): string {
    return [...this.#first, ...(this.#left > 0 ? [`… ${this.#left} more`] : []), ...this.#last].join('\n')
  }
}

function brief(detail: unknown): string {
  const text =
    detail instanceof Error ? `${detail.name}: ${detail.message}` : inspect(detail, { breakLength: Infinity })
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
