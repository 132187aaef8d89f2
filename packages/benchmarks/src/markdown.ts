import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'benchmarks.md')
const preamble = `# Benchmarks

What Waybill costs, measured by \`npm run bench -- memory\`, \`rabbitmq\` and \`kafka\`. Each run replaces its own
section below. The absolute figures belong to the machine they were taken on; the ratios are what counts.
`

/** A table as GitHub shows it: the first column to the left, the others to the right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

/** Replaces the section of this name in docs/benchmarks.md between its markers, or adds it at the end. */
export function writeSection(name: string, text: string): void {
  const begin = `<!-- ${name}: written by npm run bench -->`
  const end = `<!-- ${name}: end -->`
  const old = existsSync(file) ? readFileSync(file, 'utf8') : preamble
  const section = `${begin}\n\n${text.trim()}\n\n${end}`
  const from = old.indexOf(begin)
  const to = old.indexOf(end)
  const written =
    from === -1 || to === -1
      ? `${old.trimEnd()}\n\n${section}\n`
      : old.slice(0, from) + section + old.slice(to + end.length)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, written)
}
