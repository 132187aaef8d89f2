import pc from 'picocolors'

/** Where the program writes: standard output, or what a test gives. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

const liveEveryMs = 80
const lineEveryMs = 2_000

/** What is going on: a line that is written over on a terminal, now and then a line of its own elsewhere. */
export class Progress {
  readonly color: ReturnType<typeof pc.createColors>
  readonly #output: Output
  readonly #isLive: boolean
  #isShown = false
  #lastAt = 0

  constructor(output: Output) {
    this.#output = output
    this.#isLive = output.isTTY === true
    this.color = pc.createColors(this.#isLive && pc.isColorSupported)
  }

  /** Something to keep. */
  line(text = ''): void {
    this.#clear()
    this.#output.write(`${text}\n`)
  }

  /** Something that is true for the moment. */
  live(text: () => string): void {
    const now = performance.now()
    if (now - this.#lastAt < (this.#isLive ? liveEveryMs : lineEveryMs)) return
    this.#lastAt = now
    if (!this.#isLive) return this.line(text())
    this.#clear()
    this.#output.write(text().slice(0, (this.#output.columns ?? 80) - 1))
    this.#isShown = true
  }

  /** The next passing line, off a terminal, comes only after its time. */
  restart(): void {
    this.#lastAt = performance.now()
  }

  #clear(): void {
    if (this.#isShown) this.#output.write('\r\u001b[2K')
    this.#isShown = false
  }
}
