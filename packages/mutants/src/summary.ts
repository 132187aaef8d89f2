import Table from 'cli-table3'
import type { MutantKind } from './mutant.ts'
import type { Verdict } from './trial.ts'

const titles: { readonly [kind in MutantKind]: string } = {
  driver: 'drivers, around memory',
  core: 'cores, on memory',
  rabbitmq: 'RabbitMQ adapters, on the broker',
  kafka: 'Kafka adapters, on the broker',
}

/** What was tried and caught, by kind of mutant. */
export function summaryTable(verdicts: readonly Verdict[]): string {
  const table = new Table({
    head: ['', 'mutants', 'caught', 'survived', 'cases turned red', 'seconds'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const [kind, title] of Object.entries(titles)) {
    const own = verdicts.filter(({ mutant }) => mutant.kind === kind)
    const caught = own.filter(({ problems }) => problems.length === 0).length
    const cases = new Set(own.flatMap(({ red }) => red)).size
    const seconds = own.reduce((sum, each) => sum + each.seconds, 0)
    table.push([title, own.length, caught, own.length - caught, cases, seconds.toFixed(0)])
  }
  return table.toString()
}
