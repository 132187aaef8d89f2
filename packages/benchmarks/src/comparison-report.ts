import { initialHeapMiB } from './collector.ts'
import type { Comparison, Heat } from './comparison.ts'
import { fullMessages, fullRounds, roundsPerConnection, slowFactor, warmUpRounds } from './comparison-options.ts'
import type { Contestant, Way } from './contestant.ts'
import { decimal, interval, mebibytes, payloadSize, whole } from './figures.ts'
import { machineDescription, versionOf } from './machine.ts'
import { markdownTable } from './markdown.ts'
import { profileText } from './profile-report.ts'
import { median, pairedDifference, pairedRatio, percentile, type Ratio } from './statistics.ts'
import type { Reading } from './stopwatch.ts'
import { terminalTable } from './terminal-table.ts'

/** What of a broker's comparison is its own. */
export interface Told {
  readonly broker: string
  readonly version: string
  readonly titles: { readonly [W in Way]: string }
  readonly conditions: readonly string[]
}

/** Off by more, and nothing of that table can be compared. */
const mostOff = 0.03

const head = ['client', 'messages/s', 'ratio [95%]', 'CPU µs', 'CPU µs more', 'RSS', 'p50 ms', 'p99 ms']

/** Tables in which the baseline differed from itself by more than is allowed. */
export function voidHeats(result: Comparison): readonly Heat[] {
  return result.heats.filter((heat) => {
    const control = ratioOf(result, heat, result.control)
    return control === undefined || Math.abs(control.value - 1) > mostOff
  })
}

export function comparisonTerminal(result: Comparison, told: Told): string {
  const tables = result.heats.map((heat) => `${titleOf(heat, told)}\n${terminalTable(head, rowsOf(result, heat))}`)
  return [
    ...tables,
    ...verdict(result, told),
    ...failuresOf(result),
    ...slowOf(result),
    ...profileText(result.profiles, 'terminal'),
  ].join('\n\n')
}

export function comparisonMarkdown(result: Comparison, told: Told): string {
  const tables = result.heats.map(
    (heat) => `### ${titleOf(heat, told)}\n\n${markdownTable(head, rowsOf(result, heat))}`,
  )
  return [
    `## ${told.broker}`,
    ...quickWarning(result),
    ...verdict(result, told),
    conditions(result, told),
    ...tables,
    ...profileText(result.profiles, 'markdown'),
  ].join('\n\n')
}

function quickWarning({ options }: Comparison): string[] {
  if (options.rounds >= fullRounds && options.messages >= fullMessages && !options.quick) return []
  return [
    `**Quick figures: ${options.rounds} rounds of ${whole(options.messages)} messages. ` +
      'They show that the benchmark works; nothing may be concluded from them.** ' +
      `The method asks for ${fullRounds} rounds of ${whole(fullMessages)}, on a quiet machine.`,
  ]
}

function verdict(result: Comparison, told: Told): string[] {
  const found = voidHeats(result)
  if (found.length === 0) return ['A/A control: the baseline agrees with itself within 3% everywhere.']
  const reasons = found.map((heat) => {
    const control = ratioOf(result, heat, result.control)
    const gives = control === undefined ? 'no control' : `the baseline against itself gives ${interval(control)}`
    return `${titleOf(heat, told)}: ${gives}`
  })
  return [
    `**VOID, because the baseline differs from itself by more than 3%: ${found.length} of ${result.heats.length} ` +
      `tables.** Nothing follows from them. ${reasons.join('; ')}.`,
  ]
}

function conditions(result: Comparison, told: Told): string {
  const { options, runners } = result
  const versions = new Map(runners.map(({ contestant: { packageName } }) => [packageName, versionOf(packageName)]))
  const libraries = [...versions].map(([name, version]) => `${name} ${version ?? '(not installed)'}`)
  const remarks = runners.flatMap(({ contestant: { remark } }) => (remark === undefined ? [] : [remark]))
  return [
    ...machineDescription().map((line) => `- ${line}`),
    `- ${told.broker} ${told.version}; ${libraries.join(', ')}`,
    ...told.conditions.map((line) => `- ${line}`),
    `- ${options.rounds} rounds, the first ${warmUpRounds(options.rounds)} left out, on new connections every ` +
      `${roundsPerConnection}; the clients’ order is another in each, so that each is as often in every place and behind ` +
      'every other (a Williams design: ABBA for more than two); before each turn garbage is collected and a fifth more ' +
      `runs unmeasured, on a heap that is collected whole only beyond ${initialHeapMiB} MiB; what was confirmed counted on the broker`,
    '- messages/s, CPU and RSS are medians, CPU that of the client process per message, RSS that of this one process ' +
      'with all clients in it; the ratio and “CPU µs more” compare with the baseline round by round (Hodges and ' +
      'Lehmann’s estimator), the ratio with its bootstrap 95% interval over whole rounds',
    '- p50 and p99: send to confirm, and send to handler, at half of the baseline’s rate (of what it publishes, ' +
      'if that is less), the first tenth left out',
    ...remarks.map((remark) => `- ${remark}`),
    ...[...slowOf(result), ...failuresOf(result)].map((line) => `- ${line}`),
  ].join('\n')
}

function slowOf({ heats }: Comparison): string[] {
  const names = new Set(heats.flatMap(({ slow }) => Array.from(slow, ({ name }) => name)))
  if (names.size === 0) return []
  return [
    `more than ${slowFactor} times slower than the baseline, and so a tenth of the messages: ${[...names].join(', ')}`,
  ]
}

function failuresOf({ runners, strayErrors }: Comparison): string[] {
  const failed = runners.flatMap(({ contestant, failure }) =>
    failure === undefined ? [] : [`${contestant.name} did not finish: ${failure}`],
  )
  return [...failed, ...strayErrors.map((error) => `a library threw where nobody could catch it: ${error}`)]
}

function titleOf({ way, payload, messages }: Heat, { titles }: Told): string {
  return `${titles[way]}, ${payloadSize(payload)} (${whole(messages)} messages a round)`
}

function rowsOf(result: Comparison, heat: Heat): string[][] {
  const base = heat.readings.get(result.baseline) ?? []
  const racing = result.runners.filter(({ contestant }) => heat.readings.has(contestant))
  return racing.map(({ contestant, failure }) => {
    const readings = heat.readings.get(contestant) ?? []
    if (readings.length === 0) return [contestant.name, shortly(failure), '-', '-', '-', '-', '-', '-']
    const ratio = ratioOf(result, heat, contestant)
    const latencies = warm(heat.latencies.get(contestant))
    return [
      contestant.name,
      whole(medianOf(readings, 'perSecond')),
      contestant === result.baseline || ratio === undefined ? '1.00' : interval(ratio),
      decimal(median(cpuOf(readings))),
      decimal(pairedDifference(cpuOf(readings), cpuOf(base))),
      mebibytes(medianOf(readings, 'rssBytes')),
      latencies === undefined ? '-' : decimal(percentile([...latencies], 0.5), 2),
      latencies === undefined ? '-' : decimal(percentile([...latencies], 0.99), 2),
    ]
  })
}

/** Without the first tenth. */
function warm(latencies: Float64Array | undefined): Float64Array | undefined {
  return latencies?.subarray(Math.ceil(latencies.length / 10))
}

/** What fits into a cell; the whole reason stands in the list. */
function shortly(failure = 'no figures'): string {
  if (failure === 'not installed') return failure
  return failure.includes('took longer than') ? 'deadline missed' : 'failed'
}

/** Of the rounds that both finished. */
function ratioOf({ baseline }: Comparison, heat: Heat, contestant: Contestant): Ratio | undefined {
  const values = (heat.readings.get(contestant) ?? []).map(({ perSecond }) => perSecond)
  const base = (heat.readings.get(baseline) ?? []).map(({ perSecond }) => perSecond)
  return values.length === 0 || base.length === 0 ? undefined : pairedRatio(values, base)
}

function cpuOf(readings: readonly Reading[]): number[] {
  return readings.map(({ cpuUsEach }) => cpuUsEach)
}

function medianOf(readings: readonly Reading[], figure: 'perSecond' | 'rssBytes'): number {
  return median(readings.map((reading) => reading[figure]))
}
