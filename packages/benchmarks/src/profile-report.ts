import type { CpuProfile } from './cpu-profile.ts'
import { decimal } from './figures.ts'
import { markdownTable } from './markdown.ts'
import { terminalTable } from './terminal-table.ts'

const head = ['function', 'self time', 'µs per message']

/** Where the time goes, one table per profile. */
export function profileText(profiles: ReadonlyMap<string, CpuProfile>, as: 'markdown' | 'terminal'): string[] {
  return [...profiles].map(([name, { messages, functions }]) => {
    const rows = functions.map(({ place, share, us }) => [place, `${decimal(share * 100)}%`, decimal(us / messages, 2)])
    const title = `Where the time goes: ${name}`
    if (as === 'terminal') return `${title}\n${terminalTable(head, rows)}`
    return `### ${title}\n\n${markdownTable(
      head,
      rows.map(([place = '', ...figures]) => [`\`${place}\``, ...figures]),
    )}`
  })
}
