import { behaviourIds, catalogue, type BehaviourId } from './catalogue.ts'
import type { Report, ReportedResult } from './report.ts'

/** A report and the name of its file, without the ending. */
export interface NamedReport extends Report {
  readonly profile: string
}

/** `docs/adapters/matrix.md`: what is proven where, from the committed reports alone. */
export function renderMatrix(reports: readonly NamedReport[]): string {
  const sorted = [...reports].sort((a, b) => compare(a.adapter, b.adapter) || compare(a.profile, b.profile))
  const ids = behaviourIds.filter((id) => sorted.some((report) => resultsOf(report, id).length > 0))
  return [
    '# What is proven on which broker',
    '',
    'Generated from the committed conformance reports by `npm run matrix`; do not edit.',
    '',
    '✓ passed · *refused*: the broker cannot, and asking for it is refused at startup · *not run*: the tests of that broker',
    'cannot cause the fault · empty: no case yet',
    '',
    ...table(['Column', 'Adapter', 'Broker', 'Passed', 'Refused', 'Not run'], sorted.map(summary)),
    '',
    ...table(
      ['Behaviour', ...sorted.map(columnOf)],
      ids.map((id) => row(id, sorted)),
    ),
    '',
  ].join('\n')
}

function columnOf({ adapter, profile }: NamedReport): string {
  return profile.startsWith(adapter) ? profile : `${adapter} ${profile}`
}

function summary(report: NamedReport): string[] {
  const count = (outcome: ReportedResult['outcome']): string =>
    `${Object.values(report.results).filter((result) => result.outcome === outcome).length}`
  const broker = report.standIn ? `${report.broker} (stand-in, not the product)` : report.broker
  return [
    columnOf(report),
    `\`@waybill/${report.adapter}\``,
    broker,
    count('passed'),
    count('refused'),
    count('notRun'),
  ]
}

function row(id: BehaviourId, reports: readonly NamedReport[]): string[] {
  return [`**${id}** ${catalogue[id]}`, ...reports.map((report) => cell(report, id))]
}

function cell(report: NamedReport, id: BehaviourId): string {
  const results = resultsOf(report, id)
  const exceptions = results.filter(([, { outcome }]) => outcome !== 'passed').map(inWords)
  const passed = results.some(([, { outcome }]) => outcome === 'passed')
  return [...(passed ? ['✓'] : []), ...exceptions].join('<br>')
}

function inWords([key, result]: readonly [string, ReportedResult]): string {
  const part = key.includes('/') ? `${key.slice(key.indexOf('/') + 1)}: ` : ''
  if (result.outcome === 'refused') return `${part}*refused* (\`${result.capability}\`)`
  return `${part}*not run*${result.outcome === 'notRun' ? ` (\`${result.fault}\`)` : ''}`
}

function resultsOf({ results }: Report, id: BehaviourId): (readonly [string, ReportedResult])[] {
  return Object.entries(results).filter(([key]) => key === id || key.startsWith(`${id}/`))
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
