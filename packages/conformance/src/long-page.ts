import { longParts } from './long-parts.ts'
import type { LongReport, LongResult } from './long-report.ts'

const account = [
  'attempted',
  'acknowledged',
  'rejected',
  'ok',
  'recovered',
  'lost',
  'duplicated',
  'unexpected',
  'deadLettered',
]
const begin = '<!-- long run: written by npm run test:long -->'
const end = '<!-- long run: end -->'

/** The page with what stands between the markers replaced by the figures of all reports. */
export function withLongFigures(page: string, reports: readonly LongReport[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to === -1) throw new Error(`the page has no section between "${begin}" and "${end}"`)
  const sections = reports.toSorted((a, b) => (a.adapter < b.adapter ? -1 : 1)).map(section)
  return `${page.slice(0, from)}${begin}\n\n${sections.join('\n\n')}\n\n${page.slice(to)}`
}

function section({ broker, results }: LongReport): string {
  const entries = Object.entries(results).sort(([a], [b]) => rank(a) - rank(b))
  const minutes = entries.reduce((sum, [, { seconds }]) => sum + seconds, 0) / 60
  const rows = entries.map(([key, result]) => row(key, result))
  return [
    `### ${broker}`,
    '',
    `${entries.length} cases in ${minutes.toFixed(0)} minutes.`,
    '',
    '| Case | Size | Attempted | Acknowledged | Rejected | Ok | Recovered | Lost | Duplicated | Unexpected | Dead letters | Also |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
    ...rows,
  ].join('\n')
}

function row(key: string, { sizes, figures, seconds }: LongResult): string {
  const numbers = account.map((name) => (figures[name] === undefined ? '' : figures[name].toLocaleString('en')))
  const others = Object.entries(figures).filter(([name]) => !account.includes(name))
  const cells = [key, inWords(Object.entries(sizes)), ...numbers, [...inList(others), `${seconds} s`].join(', ')]
  return `| ${cells.join(' | ')} |`
}

const inWords = (entries: readonly (readonly [string, number])[]): string =>
  entries.map(([name, value]) => `${value.toLocaleString('en')} ${name}`).join(', ')

const inList = (entries: readonly (readonly [string, number])[]): string[] =>
  entries.map(([name, value]) => `${name} ${value.toLocaleString('en')}`)

/** The parts in their order, what belongs to none at the end. */
function rank(key: string): number {
  const id = key.split('/', 1)[0]
  const index = Object.values(longParts).findIndex((ids) => (ids as readonly (string | undefined)[]).includes(id))
  return index === -1 ? Number.MAX_SAFE_INTEGER : index
}
