import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RabbitmqDescription, startBroker } from '@waybill/brokers'
import type { BlockedOutcome } from './blocked.ts'
import { entrants } from './entrants.ts'
import { versionOf } from '../machine.ts'
import { markdownTable } from '../markdown.ts'
import type { Outcome } from './ordeal.ts'
import { terminalTable } from '../terminal-table.ts'
import { type Trial, trials } from './trials.ts'

/** What one library came to: its figures, or why there are none. */
interface Row {
  readonly name: string
  readonly version: string
  readonly results: ReadonlyMap<Trial, (Outcome | BlockedOutcome) | string>
}

const page = join(import.meta.dirname, '../../../../docs/reliability.md')
const begin = '<!-- peers: written by npm run test:long -- --only peers -->'
const end = '<!-- peers: end -->'
const trialDeadlineMs = 150_000
const nothing = { rejected: 0, hung: 0, lost: 0, duplicated: 0, ranTwice: 0 } as Outcome
const head = [
  'Library',
  'Sends rejected or hung',
  'Lost',
  'Stored twice',
  'Handled twice',
  'Lost or stuck',
  'Rejected, kills',
  'Lost or stuck, kills',
  'Ran twice, kills',
  'Grown while blocked',
]

/** Waybill and its peers through the same faults, each trial in a process of its own, one after the other. */
const broker = await startBroker('rabbitmq')
try {
  const rows: Row[] = []
  for (const { name, packageName } of entrants.map((make) => make())) {
    const results = new Map<Trial, Outcome | BlockedOutcome | string>()
    for (const trial of trials) {
      results.set(trial, await run(name, trial, broker.description))
      console.log(`${name}, ${trial}: ${JSON.stringify(results.get(trial))}`)
    }
    rows.push({ name, version: versionOf(packageName) ?? '', results })
  }
  console.log(`\n${terminalTable(head, rows.map(cells))}`)
  write(rows)
} finally {
  await broker.stop()
}

async function run(
  entrant: string,
  trial: Trial,
  description: RabbitmqDescription,
): Promise<Outcome | BlockedOutcome | string> {
  const options = { entrant, trial, queue: `peers-${randomBytes(4).toString('hex')}`, broker: description }
  const program = join(import.meta.dirname, 'trial.ts')
  const conditions = '--conditions=@waybill/source'
  const child = spawn(process.execPath, [conditions, program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const deadline = setTimeout(() => child.kill('SIGKILL'), trialDeadlineMs)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(deadline)
  if (code === null) return 'hung'
  return code === 0 ? (JSON.parse(output.trim().split('\n').at(-1) ?? '') as Outcome) : 'ended by an error'
}

function cells({ name, results }: Row): string[] {
  const of = (trial: Trial, show: (outcome: Outcome) => readonly (number | string)[]): string[] => {
    const result = results.get(trial)
    if (result === undefined || typeof result === 'string')
      return show(nothing).map((_, index) => (index === 0 ? `${result}` : ''))
    return show(result as Outcome).map((value) => value.toLocaleString('en'))
  }
  const block = results.get('block')
  return [
    name,
    ...of('sends', ({ rejected, hung, lost, duplicated }) => [rejected + hung, lost, duplicated]),
    ...of('deliveries', ({ ranTwice, lost }) => [ranTwice, lost]),
    ...of('kills', ({ rejected, hung, lost, ranTwice }) => [rejected + hung, lost, ranTwice]),
    typeof block === 'object' && 'grownMiB' in block ? `${block.grownMiB} MiB` : `${block}`,
  ]
}

function write(rows: readonly Row[]): void {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to === -1) throw new Error(`docs/reliability.md has no section between "${begin}" and "${end}"`)
  const versions = rows.map(({ name, version }) => `${name} ${version}`.trim()).join(', ')
  const section = `${markdownTable(head, rows.map(cells))}\n\n${versions}; RabbitMQ ${broker.version}.`
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\n${section}\n\n${text.slice(to)}`)
}
