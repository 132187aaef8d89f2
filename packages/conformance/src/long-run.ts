import { keyOf, type Behaviour } from './behaviour.ts'
import { catalogue } from './catalogue.ts'
import { behaviours } from './families/index.ts'
import { replaysOneChunk } from './fuzz.ts'
import type { Harness } from './harness.ts'
import { longCases, partOf } from './long-parts.ts'
import { LongSummary } from './long-summary.ts'
import { type LongResult, writeLongReport } from './long-report.ts'
import { runBehaviour, type CaseResult } from './run-behaviour.ts'
import { monotonicMs } from './time.ts'

const toldEveryMs = 10_000

/**
 * Runs the long cases in full, one after the other, with progress on the console, and writes what each that passed has
 * counted into `conformance/long/<profile>.json`, unless a chunk of hostile messages is repeated. `only`: names of parts or
 * ids. Gives the exit status: 1 when a case failed.
 */
export async function runLong(harness: Harness, only: readonly string[]): Promise<0 | 1> {
  const cases = longCases(behaviours, only)
  const summary = new LongSummary()
  const isInFull = !replaysOneChunk()
  if (!isInFull) console.log('one chunk of hostile messages is repeated: no report is written')
  await harness.open?.()
  try {
    for (const [index, behaviour] of cases.entries()) {
      const part = partOf(behaviour)
      console.log(`${index + 1}/${cases.length} ${part}: ${keyOf(behaviour)} ${catalogue[behaviour.id]}`)
      const { result, seconds } = await runInFull(harness, behaviour)
      console.log(`    ${lineOf(result, seconds)}`)
      summary.add(part, result, seconds)
      if (isInFull && result.outcome === 'passed')
        await writeLongReport(harness, { [result.key]: reported(result, seconds) })
    }
  } finally {
    await harness.close?.()
  }
  console.log(`\n${harness.broker}\n${summary}`)
  return summary.failed.length === 0 ? 0 : 1
}

async function runInFull(harness: Harness, behaviour: Behaviour): Promise<{ result: CaseResult; seconds: number }> {
  const startedAt = monotonicMs()
  const secondsSoFar = (): number => Math.round((monotonicMs() - startedAt) / 1_000)
  let step = 'runs'
  const telling = setInterval(() => console.log(`    ${secondsSoFar()} s: ${step}`), toldEveryMs)
  try {
    const result = await runBehaviour(harness, behaviour, { full: true, tell: (now) => void (step = now) })
    return { result, seconds: secondsSoFar() }
  } finally {
    clearInterval(telling)
  }
}

function reported({ sizes, figures = {} }: CaseResult & { outcome: 'passed' }, seconds: number): LongResult {
  return { seconds, sizes: Object.fromEntries(Object.entries(sizes).map(([name, { full }]) => [name, full])), figures }
}

function lineOf(result: CaseResult, seconds: number): string {
  switch (result.outcome) {
    case 'failed':
      return `FAILED after ${seconds} s: ${result.error.message}`
    case 'refused':
      return `refused (${result.capability}), ${seconds} s`
    case 'notRun':
      return `not run: no fault control (${result.fault})`
    case 'passed':
      return `passed in ${seconds} s${figuresOf(result)}`
  }
}

function figuresOf({ sizes, figures = {} }: CaseResult & { outcome: 'passed' }): string {
  const all = [...Object.entries(sizes).map(([name, { full }]) => [name, full]), ...Object.entries(figures)]
  return all.map(([name, value]) => `, ${name} ${value}`).join('')
}
