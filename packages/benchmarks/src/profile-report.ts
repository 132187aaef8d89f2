import type { CpuProfile, SelfTime } from './cpu-profile.ts'
import { decimal } from './figures.ts'
import { markdownTable } from './markdown.ts'
import { terminalTable } from './terminal-table.ts'

const figures = ['self time', 'µs per message']

/** Where the time goes: for each profile by package, and the functions that took most. */
export function profileText(profiles: ReadonlyMap<string, CpuProfile>, as: 'markdown' | 'terminal'): string[] {
  return [...profiles].flatMap(([name, { messages, packages, functions }]) => {
    const table = as === 'terminal' ? terminalTable : markdownTable
    const rows = (times: readonly SelfTime[]): string[][] =>
      times.map(({ place, share, us }) => [
        as === 'terminal' ? place : `\`${place}\``,
        `${decimal(share * 100)}%`,
        decimal(us / messages, 2),
      ])
    const title = `Where the time goes: ${name}`
    return [
      as === 'terminal' ? title : `### ${title}`,
      table(['package', ...figures], rows(packages)),
      table(['function', ...figures], rows(functions)),
    ]
  })
}
