import { stripVTControlCharacters } from 'node:util'
import type { Output } from '../src/progress.ts'

/** Keeps what is written, as a person would read it. */
export class CollectedOutput implements Output {
  readonly isTTY: boolean
  readonly columns = 100
  raw = ''

  constructor(isTTY = false) {
    this.isTTY = isTTY
  }

  get text(): string {
    return stripVTControlCharacters(this.raw)
  }

  write(text: string): void {
    this.raw += text
  }

  /** The cells of a row of the table. */
  row(group: string): readonly string[] {
    const line = this.text.split('\n').find((each) => each.startsWith(`│ ${group} `)) ?? ''
    return line
      .split('│')
      .slice(2, -1)
      .map((cell) => cell.trim())
  }
}
