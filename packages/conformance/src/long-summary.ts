import type { LongPart } from './long-parts.ts'
import type { CaseResult } from './run-behaviour.ts'

interface Row {
  passed: number
  failed: number
  /** Refused by the adapter, or without the fault it needs. */
  other: number
  seconds: number
}

/** What a long run came to, part by part, for the console. */
export class LongSummary {
  readonly failed: string[] = []
  readonly #rows = new Map<LongPart, Row>()

  add(part: LongPart, { key, outcome }: CaseResult, seconds: number): void {
    const row = this.#rows.get(part) ?? { passed: 0, failed: 0, other: 0, seconds: 0 }
    this.#rows.set(part, row)
    row.seconds += seconds
    if (outcome === 'passed') row.passed++
    else if (outcome === 'failed') row.failed++
    else row.other++
    if (outcome === 'failed') this.failed.push(key)
  }

  toString(): string {
    const lines = [...this.#rows].map(([part, { passed, failed, other, seconds }]) => {
      const rest = other > 0 ? `, ${other} refused or not run` : ''
      return `  ${part.padEnd(8)} ${passed} passed, ${failed} failed${rest}, ${seconds} s`
    })
    return [...lines, ...this.failed.map((key) => `  failed: ${key}`)].join('\n')
  }
}
