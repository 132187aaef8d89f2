/** Tells what happens, on the terminal's own channel, so that a table piped away stays clean. */
export class Progress {
  readonly #startedAt = performance.now()

  say(what: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(0).padStart(4)
    process.stderr.write(`${seconds} s  ${what}\n`)
  }
}
