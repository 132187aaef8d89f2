import { createHash } from 'node:crypto'

/** What happened, line by line: the proof that a replay is the same, and the stuff of stories. */
export class Trace {
  readonly #lines: string[] | undefined

  /** `isKept`: a simulation that is only checked keeps nothing. */
  constructor(isKept: boolean) {
    this.#lines = isKept ? [] : undefined
  }

  get isKept(): boolean {
    return this.#lines !== undefined
  }

  add(atMs: number, line: string): void {
    this.#lines?.push(`t=${atMs} ms  ${line}`)
  }

  get lines(): readonly string[] {
    return this.#lines ?? []
  }

  get hash(): string {
    return createHash('sha256').update(this.lines.join('\n')).digest('hex')
  }
}
