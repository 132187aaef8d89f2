import { initialHeapMiB } from './collector.ts'
import type { Comparison, Heat } from './comparison.ts'
import {
  fullMessages,
  fullRounds,
  mostOff,
  roundsPerConnection,
  slowFactor,
  warmUpRounds,
} from './comparison-options.ts'
import { type Contestant, type Way, ways } from './contestant.ts'
import { decimal, interval, mebibytes, payloadSize, whole } from './figures.ts'
import { machineDescription, today, versionOf } from './machine.ts'
import { markdownTable, type SectionPart } from './markdown.ts'
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

const head = ['client', 'messages/s', 'ratio [95%]', 'CPU µs', 'CPU µs more', 'RSS', 'p50 ms', 'p99 ms']

/** Tables in which the baseline differed from itself by more than is allowed. */
export function voidHeats(result: Comparison): readonly Heat[] {
  return result.heats.filter((heat) => {
    const control = ratioOf(result, heat, result.control)
    return control === undefined || isOff(control)
  })
}

export function comparisonTerminal(result: Comparison, told: Told): string {
  const tables = result.heats.map((heat) =>
    [titleOf(heat, told), measured(result, heat), terminalTable(head, rowsOf(result, heat))].join('\n'),
  )
  return [
    ...tables,
    ...failuresOf(result),
    ...Array.from(result.profiles.values(), (taken) => profileText(taken, 'terminal')).flat(),
  ].join('\n\n')
}

/** The head of a broker's section, and each table with what it was measured by, so that each can be measured again alone. */
export function comparisonMarkdown(result: Comparison, told: Told): readonly SectionPart[] {
  const tables = result.heats.map((heat) => ({
    place: heat.payload + placeOf(heat.way),
    text: [
      `### ${titleOf(heat, told)}`,
      ...quickWarning(result),
      measured(result, heat),
      markdownTable(head, rowsOf(result, heat)),
    ].join('\n\n'),
  }))
  const profiles = Array.from(result.profiles, ([way, taken]) => ({
    place: behindTables + placeOf(way),
    text: [...profileText(taken, 'markdown'), `Taken on ${today()}.`].join('\n\n'),
  }))
  return [{ place: 0, text: `## ${told.broker}\n\n${conditions(result, told)}` }, ...tables, ...profiles]
}

const behindTables = 1_000_000_000

/** Less than from one payload to the next. */
function placeOf(way: Way): number {
  return ways.indexOf(way) / ways.length
}

function quickWarning({ options }: Comparison): string[] {
  if (options.rounds >= fullRounds && options.messages >= fullMessages && !options.quick) return []
  return [
    '**Quick figures: they show that the benchmark works; nothing may be concluded from them.** ' +
      `The method asks for ${fullRounds} rounds of ${whole(fullMessages)}, on a quiet machine.`,
  ]
}

function measured(result: Comparison, heat: Heat): string {
  const roundsOf = (contestant: Contestant): number => heat.readings.get(contestant)?.length ?? 0
  const claimed = roundsOf(result.baseline)
  const least = Math.min(...Array.from(heat.readings.values(), ({ length }) => length))
  const others = least === claimed ? '' : `, the others ${least}`
  return `Measured on ${today()}; ${claimed} rounds counted${others}. ${verdictOf(result, heat)}${slowOf(heat)}`
}

function verdictOf(result: Comparison, heat: Heat): string {
  const control = ratioOf(result, heat, result.control)
  if (control === undefined) return '**VOID: there is no control.**'
  if (isOff(control)) {
    return `**VOID: the baseline against itself gives ${interval(control)}, more than 3% off. Nothing follows from this table.**`
  }
  return `The baseline against itself: ${interval(control)}.`
}

function isOff({ value }: Ratio): boolean {
  return Math.abs(value - 1) > mostOff
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
    `- ${options.rounds} rounds, the first ${warmUpRounds(options.rounds)} left out${furtherRounds(options)}; a table whose ` +
      'control is off by more than 3% is void',
    `- connections are new every ${roundsPerConnection} rounds; the clients’ order is another in each, so that each is as ` +
      'often in every place and behind every other (a Williams design: ABBA for more than two); before each turn garbage ' +
      'is collected and a fifth more runs unmeasured, on a heap that is collected whole only beyond ' +
      `${initialHeapMiB} MiB; what was confirmed counted on the broker`,
    '- messages/s, CPU and RSS are medians, CPU that of the client process per message, RSS that of this one process ' +
      'with all clients in it; the ratio and “CPU µs more” compare with the baseline round by round (Hodges and ' +
      'Lehmann’s estimator), the ratio with its bootstrap 95% interval over whole rounds',
    '- p50 and p99: send to confirm, and send to handler, at half of the baseline’s rate (of what it publishes, ' +
      'if that is less), the first tenth left out',
    ...remarks.map((remark) => `- ${remark}`),
    ...failuresOf(result).map((line) => `- ${line}`),
  ].join('\n')
}

function furtherRounds({ mostFurtherRounds: most }: Comparison['options']): string {
  if (most === 0) return ''
  return `, then up to ${most} of the baseline, Waybill and the control alone, until the control is known within 3%`
}

function slowOf({ slow }: Heat): string {
  if (slow.size === 0) return ''
  const names = Array.from(slow, ({ name }) => name).join(', ')
  return ` More than ${slowFactor} times slower than the baseline, and so a tenth of the messages: ${names}.`
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

/** Each is computed once: the interval of some hundred rounds takes seconds. */
const ratios = new WeakMap<Heat, Map<Contestant, Ratio | undefined>>()

function ratioOf({ baseline }: Comparison, heat: Heat, contestant: Contestant): Ratio | undefined {
  const known = ratios.get(heat) ?? new Map<Contestant, Ratio | undefined>()
  ratios.set(heat, known)
  if (!known.has(contestant)) known.set(contestant, ratioBetween(heat.readings, contestant, baseline))
  return known.get(contestant)
}

/** Of the rounds that both finished. */
function ratioBetween(readings: Heat['readings'], contestant: Contestant, baseline: Contestant): Ratio | undefined {
  const ratesOf = (each: Contestant): number[] => (readings.get(each) ?? []).map(({ perSecond }) => perSecond)
  const [values, base] = [ratesOf(contestant), ratesOf(baseline)]
  return values.length === 0 || base.length === 0 ? undefined : pairedRatio(values, base)
}

function cpuOf(readings: readonly Reading[]): number[] {
  return readings.map(({ cpuUsEach }) => cpuUsEach)
}

function medianOf(readings: readonly Reading[], figure: 'perSecond' | 'rssBytes'): number {
  return median(readings.map((reading) => reading[figure]))
}
