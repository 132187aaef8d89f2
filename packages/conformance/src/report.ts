import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { behaviourIds } from './catalogue.ts'
import type { Harness } from './harness.ts'
import type { Size } from './kit.ts'
import type { CaseResult } from './run-behaviour.ts'

/** The committed account of one adapter on one broker. A failed case has no place in it. */
export interface Report {
  readonly adapter: string
  readonly broker: string
  readonly standIn: boolean
  /** By id, or `id/part`, in the order of the catalogue. */
  readonly results: { readonly [key: string]: ReportedResult }
}

export type ReportedResult =
  /** `sizes`: what a long case ran with, where that is less than its full size. */
  | { readonly outcome: 'passed'; readonly sizes?: { readonly [name: string]: Size } }
  | { readonly outcome: 'refused'; readonly capability: string }
  | { readonly outcome: 'notRun'; readonly fault: string }

/** @throws Error when a case failed. */
export function reportOf(harness: Harness, results: readonly CaseResult[]): Report {
  const sorted = [...results].sort((a, b) => rank(a.key) - rank(b.key))
  const { adapter, broker, standIn } = harness
  return {
    adapter,
    broker,
    standIn,
    results: Object.fromEntries(sorted.map((result) => [result.key, reported(result)])),
  }
}

function rank(key: string): number {
  return behaviourIds.indexOf(key.split('/', 1)[0] as (typeof behaviourIds)[number])
}

function reported(result: CaseResult): ReportedResult {
  switch (result.outcome) {
    case 'failed':
      throw new Error(`${result.key} failed: there is no report`)
    case 'refused':
      return { outcome: 'refused', capability: result.capability }
    case 'notRun':
      return { outcome: 'notRun', fault: result.fault }
    case 'passed':
      return Object.keys(result.sizes).length === 0 ? { outcome: 'passed' } : { outcome: 'passed', sizes: result.sizes }
  }
}

/** One line per result, so that a change is one line of a diff. */
export function formatReport({ results, ...head }: Report): string {
  const lines = Object.entries(results).map(([key, result]) => `    ${JSON.stringify(key)}: ${spaced(result)}`)
  const heads = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`)
  return `{\n${heads.join('')}  "results": {\n${lines.join(',\n')}\n  }\n}\n`
}

function spaced(result: ReportedResult): string {
  return JSON.stringify(result, null, 1).replace(/\s*\n\s*/g, ' ')
}

/** What differs, one line each; empty when nothing does. */
export function differences(committed: Report, run: Report): readonly string[] {
  const heads = (['adapter', 'broker', 'standIn'] as const)
    .filter((name) => committed[name] !== run[name])
    .map((name) => `${name}: committed ${committed[name]}, this run ${run[name]}`)
  const keys = new Set([...Object.keys(committed.results), ...Object.keys(run.results)])
  const results = [...keys]
    .map((key) => [key, inWords(committed.results[key]), inWords(run.results[key])] as const)
    .filter(([, before, now]) => before !== now)
    .map(([key, before, now]) => `${key}: committed ${before}, this run ${now}`)
  return [...heads, ...results]
}

function inWords(result: ReportedResult | undefined): string {
  if (result === undefined) return 'nothing'
  if (result.outcome === 'refused') return `refused (${result.capability})`
  if (result.outcome === 'notRun') return `not run (no fault control: ${result.fault})`
  if (result.sizes === undefined) return 'passed'
  return `passed (${Object.entries(result.sizes).map(([name, { reduced, full }]) => `${reduced} of ${full} ${name}`)})`
}

/** What of a report a run is to settle. */
export interface ReportScope {
  /** Whether a key is this run's; one that no case has is somebody's, so that it is found. */
  isOwn(key: string): boolean
  /** All keys in their order, for a report that several runs write. */
  readonly keys: readonly string[]
}

/**
 * Holds a complete run, or that part of one which `scope` tells, against the committed report, and writes it where there
 * is none yet or `WAYBILL_UPDATE_REPORT` is 1. In CI nothing is written.
 *
 * @throws Error that lists the differences.
 */
export async function settleReport(
  harness: Harness,
  results: readonly CaseResult[],
  scope: ReportScope = { isOwn: () => true, keys: [] },
): Promise<void> {
  const report = reportOf(harness, results)
  if (harness.reports === undefined) {
    console.log(formatReport(report))
    return
  }
  const file = new URL(`${harness.profile}.json`, harness.reports)
  const committed = readReport(file)
  const inCi = (process.env.CI ?? '') !== ''
  const update = process.env.WAYBILL_UPDATE_REPORT === '1' && !inCi
  const where = `packages/${harness.adapter}/conformance/${harness.profile}.json`
  if (committed !== undefined && !update) {
    const found = differences(only(committed, scope.isOwn), report)
    if (found.length === 0) return
    throw new Error(
      `${where} says otherwise; if the change is right, run with WAYBILL_UPDATE_REPORT=1:\n${found.join('\n')}`,
    )
  }
  if (inCi) throw new Error(`${where} is not committed; run the tests once outside CI and commit it`)
  mkdirSync(harness.reports, { recursive: true })
  // Read and written without a pause between: other runs may write their parts.
  writeFileSync(file, formatReport(committed === undefined ? report : merged(committed, report, scope)))
}

function readReport(file: URL): Report | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

function only(report: Report, isOwn: ReportScope['isOwn']): Report {
  return { ...report, results: Object.fromEntries(Object.entries(report.results).filter(([key]) => isOwn(key))) }
}

function merged(others: Report, own: Report, { isOwn, keys }: ReportScope): Report {
  const kept = only(others, (key) => !isOwn(key)).results
  const all = Object.entries({ ...kept, ...own.results })
  const place = ([key]: readonly [string, unknown]) => rank(key) * 1_000 + keys.indexOf(key)
  return { ...own, results: Object.fromEntries(all.sort((one, other) => place(one) - place(other))) }
}
