import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Harness } from './harness.ts'
import type { Figures } from './run-behaviour.ts'

/** What a long case came to. There are no failed ones: those have no place in a committed report. */
export interface LongResult {
  readonly seconds: number
  /** The full sizes it ran with. */
  readonly sizes: Figures
  /** The account of its messages in the words of Jepsen's total-queue checker, and what else it counted. */
  readonly figures: Figures
}

/** The committed account of the last long run of one adapter on one broker. */
export interface LongReport {
  readonly adapter: string
  readonly broker: string
  /** By id, or `id/part`. */
  readonly results: { readonly [key: string]: LongResult }
}

/** Where the report of this harness stands. */
export function longReportFile({ profile, reports }: Harness): URL | undefined {
  return reports === undefined ? undefined : new URL(`long/${profile}.json`, reports)
}

/** Replaces in the committed report what ran now; what did not run stays, as long as the broker is the same. */
export async function writeLongReport(harness: Harness, results: LongReport['results']): Promise<void> {
  const file = longReportFile(harness)
  if (file === undefined) return
  const { adapter, broker } = harness
  const old = await readFile(file, 'utf8').then((text) => JSON.parse(text) as LongReport, ifMissing)
  const kept = old?.broker === broker ? old.results : {}
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, formatLongReport({ adapter, broker, results: { ...kept, ...results } }))
}

/** One line per result, so that a change is one line of a diff. */
export function formatLongReport({ adapter, broker, results }: LongReport): string {
  const sorted = Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = sorted.map(([key, result]) => `    ${JSON.stringify(key)}: ${spaced(result)}`)
  const head = `  "adapter": ${JSON.stringify(adapter)},\n  "broker": ${JSON.stringify(broker)},\n`
  return `{\n${head}  "results": {\n${lines.join(',\n')}\n  }\n}\n`
}

function spaced(value: object): string {
  return JSON.stringify(value, null, 1).replace(/\s*\n\s*/g, ' ')
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
