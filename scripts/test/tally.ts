import Table from 'cli-table3'

export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
}

/** Counts by row, in the order in which rows were first added to. */
export class Tally {
  readonly #rows = new Map<string, Count>()

  add(row: string, count: Count): void {
    this.#rows.set(row, sum([this.#rows.get(row) ?? zero, count]))
  }

  get total(): Count {
    return sum([...this.#rows.values()])
  }

  table(): string {
    const table = new Table({
      head: ['', 'passed', 'failed', 'skipped', 'seconds'],
      colAligns: ['left', 'right', 'right', 'right', 'right'],
      style: { head: [], border: [], compact: true },
    })
    for (const [row, count] of this.#rows) table.push(cells(row, count))
    return table.toString()
  }

  /** The exact last line of a test run. */
  lastLine(): string {
    const { passed, failed, skipped } = this.total
    return `${passed} passed, ${failed} failed, ${skipped} skipped`
  }
}

const zero: Count = { passed: 0, failed: 0, skipped: 0, seconds: 0 }

function sum(counts: readonly Count[]): Count {
  return counts.reduce(
    (left, right) => ({
      passed: left.passed + right.passed,
      failed: left.failed + right.failed,
      skipped: left.skipped + right.skipped,
      seconds: left.seconds + right.seconds,
    }),
    zero,
  )
}

function cells(row: string, { passed, failed, skipped, seconds }: Count): string[] {
  return [row, String(passed), String(failed), String(skipped), seconds.toFixed(1)]
}
