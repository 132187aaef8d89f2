// Mutation testing of the core's decision code: StrykerJS changes it in a thousand small ways, the unit tests of the core
// must notice. What they do not notice stands, with a reason, in packages/core/mutation-survivors.json.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Table from 'cli-table3'
import { runStep } from './test/step.ts'
import { root } from './test/workspace.ts'

interface MutationReport {
  readonly files: { readonly [file: string]: { readonly source: string; readonly mutants: readonly Change[] } }
}

interface Change {
  readonly mutatorName: string
  readonly replacement?: string
  readonly status: string
  readonly location: { readonly start: Position; readonly end: Position }
}

interface Position {
  readonly line: number
  readonly column: number
}

/** A change that no test notices, told by its text, which outlives the lines above it. */
interface Survivor {
  readonly file: string
  readonly text: string
  readonly replacement: string
  readonly reason?: string
}

const leastScore = 90
const core = join(root, 'packages/core')
const minute = 60_000
const caught = ['Killed', 'Timeout']
const escaped = ['Survived', 'NoCoverage']

const result = await runStep({
  command: process.execPath,
  arguments: [join(core, 'node_modules/@stryker-mutator/core/bin/stryker.js'), 'run'],
  folder: core,
  deadlineMs: 20 * minute,
  live: true,
})
if (!result.ok) stop([`the mutation tester did not end well: ${result.reason}`])
const { files } = JSON.parse(readFileSync(join(core, 'coverage/mutation.json'), 'utf8')) as MutationReport
const committed = JSON.parse(readFileSync(join(core, 'mutation-survivors.json'), 'utf8')) as readonly Survivor[]
const survivors = Object.entries(files).flatMap(([file, { source, mutants }]) =>
  mutants.filter(({ status }) => escaped.includes(status)).map((change) => survivorOf(file, source, change)),
)
const score = scoreOf(Object.values(files).flatMap(({ mutants }) => mutants))
console.log(
  `\n${table()}\n${score.toFixed(2)} % killed, ${survivors.length} survivors, ${committed.length} with a reason`,
)
const problems = [
  ...missing(survivors, committed).map((each) => `survives without a reason: ${inWords(each)}`),
  ...missing(committed, survivors).map((each) => `has a reason and does not survive: ${inWords(each)}`),
  ...committed.filter(({ reason = '' }) => reason === '').map((each) => `has an empty reason: ${inWords(each)}`),
  ...(score < leastScore ? [`${score.toFixed(2)} % killed is less than ${leastScore} %`] : []),
]
if (problems.length > 0) stop([...problems, 'write a test, or a reason in packages/core/mutation-survivors.json'])

function survivorOf(file: string, source: string, { location, replacement = '' }: Change): Survivor {
  return { file, text: textAt(source, location), replacement: oneLine(replacement) }
}

function textAt(source: string, { start, end }: Change['location']): string {
  const lines = source.split('\n').slice(start.line - 1, end.line)
  const last = lines.length - 1
  lines[last] = (lines[last] ?? '').slice(0, end.column - 1)
  lines[0] = (lines[0] ?? '').slice(start.column - 1)
  return oneLine(lines.join('\n'))
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ')
}

/** Those of `wanted` that are not in `present`, each as often as it is too few there. */
function missing(wanted: readonly Survivor[], present: readonly Survivor[]): readonly Survivor[] {
  const left = present.map(inWords)
  return wanted.filter((each) => {
    const index = left.indexOf(inWords(each))
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
}

function inWords({ file, text, replacement }: Survivor): string {
  return `${file}: ${text} => ${replacement}`
}

function scoreOf(mutants: readonly Change[]): number {
  const counted = mutants.filter(({ status }) => caught.includes(status) || escaped.includes(status))
  return (100 * counted.filter(({ status }) => caught.includes(status)).length) / counted.length
}

function table(): string {
  const rows = new Table({
    head: ['', 'changes', 'killed', 'survived', '%'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const [file, { mutants }] of Object.entries(files)) {
    const count = (states: readonly string[]): number => mutants.filter(({ status }) => states.includes(status)).length
    rows.push([file, count([...caught, ...escaped]), count(caught), count(escaped), scoreOf(mutants).toFixed(1)])
  }
  return rows.toString()
}

function stop(problems: readonly string[]): never {
  console.error(problems.map((each) => `x ${each}`).join('\n'))
  process.exit(1)
}
