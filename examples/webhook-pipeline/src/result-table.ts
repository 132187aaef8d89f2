import Table from 'cli-table3'
import type { Counts } from './expected-counts.ts'
import type { PipelineResult } from './pipeline.ts'
import type { Progress } from './progress.ts'
import { count, seconds } from './report.ts'
import type { Lap } from './stopwatch.ts'

const columns: readonly { readonly of: keyof Counts; readonly title: string }[] = [
  { of: 'sent', title: 'sent' },
  { of: 'handled', title: 'handled' },
  { of: 'retried', title: 'retried' },
  { of: 'suppressed', title: 'duplicates\nsuppressed' },
  { of: 'deadLettered', title: 'dead-\nlettered' },
  { of: 'redriven', title: 'redriven' },
  { of: 'doubleEffects', title: 'handled\ntwice' },
  { of: 'orderViolations', title: 'order\nviolations' },
  { of: 'lost', title: 'lost' },
]

/** Everything that is not as computed beforehand; nothing: all is well. */
export function deviations({ counts, expected, problems }: PipelineResult): readonly string[] {
  const rows = groupsOf(counts).flatMap(([group, actual]) =>
    columns
      .filter(({ of }) => actual[of] !== expected[group][of])
      .map(
        ({ of, title }) =>
          `${group}: ${title.replace('\n', title.includes('-\n') ? '' : ' ')} ${actual[of]}, expected ${expected[group][of]}`,
      ),
  )
  return [...rows, ...problems]
}

/** The table, the times and the verdict. */
export function showResult(result: PipelineResult, progress: Progress): void {
  const { bold, green, red } = progress.color
  progress.line()
  progress.line(tableOf(result, progress))
  progress.line()
  for (const lap of result.laps) progress.line(lapLine(lap, progress))
  progress.line()
  const wrong = deviations(result)
  if (wrong.length === 0) {
    progress.line(
      green(bold('Right: nothing lost, nothing out of order, nothing handled twice, every count as computed.')),
    )
    return
  }
  progress.line(red(bold('Wrong:')))
  for (const each of wrong) progress.line(red(`  ${each}`))
}

function tableOf({ counts, expected }: PipelineResult, progress: Progress): string {
  const { red } = progress.color
  const table = new Table({
    head: ['group', ...columns.map(({ title }) => title)],
    colAligns: ['left', ...columns.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  })
  for (const [group, actual] of groupsOf(counts)) {
    const cells = columns.map(({ of }) => {
      const text = count(actual[of])
      return actual[of] === expected[group][of] ? text : red(`${text} ≠ ${count(expected[group][of])}`)
    })
    table.push([group, ...cells])
  }
  return table.toString()
}

function lapLine({ title, ms, messages }: Lap, progress: Progress): string {
  const rate =
    messages === undefined || messages === 0 ? '' : `${count(Math.round((messages / ms) * 1000))} msg/s`.padStart(15)
  return progress.color.dim(`${title.padEnd(21)}${seconds(ms).padStart(8)}${rate}`)
}

function groupsOf(counts: PipelineResult['counts']): ['audit' | 'notify' | 'index', Counts][] {
  return [
    ['audit', counts.audit],
    ['notify', counts.notify],
    ['index', counts.index],
  ]
}
