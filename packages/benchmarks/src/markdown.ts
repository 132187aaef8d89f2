import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'benchmarks.md')
const preamble = `# Benchmarks

What Waybill costs, measured by \`npm run bench -- memory\`, \`rabbitmq\` and \`kafka\`. Each run replaces what it
measured below. The absolute figures belong to the machine they were taken on; the ratios are what counts.
`

/** A table as GitHub shows it: the first column to the left, the others to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

/** What can be replaced alone; parts stand in the order of their places. */
export interface SectionPart {
  readonly place: number
  readonly text: string
}

/** Replaces these parts of the section, and leaves its others as they are. */
export function writeParts(name: string, parts: readonly SectionPart[]): void {
  writeSection(name, mergedParts(name, sectionIn(name), parts))
}

export function mergedParts(name: string, section: string, parts: readonly SectionPart[]): string {
  const kept = partsIn(section, new RegExp(`^<!-- ${name}, part ([\\d.]+) -->$`, 'm'))
  const all = new Map([...kept, ...parts].map(({ place, text }) => [place, text.trim()]))
  const sorted = [...all].sort(([one], [other]) => one - other)
  return sorted.map(([place, text]) => `<!-- ${name}, part ${place} -->\n\n${text}`).join('\n\n')
}

/** Replaces the section of this name in docs/benchmarks.md between its markers, or adds it at the end. */
export function writeSection(name: string, text: string): void {
  const old = existsSync(file) ? readFileSync(file, 'utf8') : preamble
  const [before, , after] = split(old, name)
  const [begin, end] = markersOf(name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${before.trimEnd()}\n\n${begin}\n\n${text.trim()}\n\n${end}\n${after}`)
}

function sectionIn(name: string): string {
  return existsSync(file) ? split(readFileSync(file, 'utf8'), name)[1] : ''
}

function markersOf(name: string): readonly [begin: string, end: string] {
  return [`<!-- ${name}: written by npm run bench -->`, `<!-- ${name}: end -->`]
}

/** What stands before the section, in it and behind it. */
function split(text: string, name: string): readonly [before: string, inside: string, after: string] {
  const [begin, end] = markersOf(name)
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to === -1) return [text, '', '']
  return [text.slice(0, from), text.slice(from + begin.length, to), text.slice(to + end.length + 1)]
}

/** `/^marker (place)$/` captures the place of what follows it. */
function partsIn(section: string, marker: RegExp): readonly SectionPart[] {
  const [, ...pieces] = section.split(marker)
  return pieces.flatMap((piece, at) => (at % 2 === 0 ? [{ place: Number(piece), text: pieces[at + 1] ?? '' }] : []))
}
