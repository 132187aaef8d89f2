import type { Contestant } from './contestant.ts'
import { decimal, interval, mebibytes, payloadSize, whole } from './figures.ts'
import { machineDescription, versionOf } from './machine.ts'
import { markdownTable } from './markdown.ts'
import { profileText } from './profile-report.ts'
import type { Heat, RabbitmqResult } from './rabbitmq-bench.ts'
import { fullMessages, fullRounds, prefetch, prefetchFor, warmUpRounds, window } from './rabbitmq-options.ts'
import { median, percentile, type Ratio, ratioOfMedians } from './statistics.ts'
import type { Reading } from './stopwatch.ts'
import { terminalTable } from './terminal-table.ts'

/** Off by more, and the two halves of the run cannot be compared. */
const mostOff = 0.03

const head = ['client', 'messages/s', 'ratio [95%]', 'CPU µs', 'CPU µs more', 'RSS', 'p50 ms', 'p99 ms']

/** The heats in which the baseline differed from itself by more than is allowed. */
export function voidHeats(result: RabbitmqResult): readonly string[] {
  return result.heats.flatMap((heat) => {
    const control = ratioOf(result, heat, result.control)
    if (control === undefined) return [`${titleOf(heat)}: no control`]
    return Math.abs(control.value - 1) > mostOff
      ? [`${titleOf(heat)}: the baseline against itself gives ${interval(control)}`]
      : []
  })
}

export function rabbitmqTerminal(result: RabbitmqResult): string {
  const tables = result.heats.map((heat) => `${titleOf(heat)}\n${terminalTable(head, rowsOf(result, heat))}`)
  return [...tables, ...verdict(result), ...failuresOf(result), ...profileText(result.profiles, 'terminal')].join(
    '\n\n',
  )
}

export function rabbitmqMarkdown(result: RabbitmqResult): string {
  const tables = result.heats.map((heat) => `### ${titleOf(heat)}\n\n${markdownTable(head, rowsOf(result, heat))}`)
  return [
    '## RabbitMQ',
    ...quickWarning(result),
    ...verdict(result),
    conditions(result),
    ...tables,
    ...profileText(result.profiles, 'markdown'),
  ].join('\n\n')
}

function quickWarning({ options }: RabbitmqResult): string[] {
  if (options.rounds >= fullRounds && options.messages >= fullMessages && !options.quick) return []
  return [
    `**Quick figures: ${options.rounds} rounds of ${whole(options.messages)} messages. ` +
      'They show that the benchmark works; nothing may be concluded from them.** ' +
      `The method asks for ${fullRounds} rounds of ${whole(fullMessages)}, on a quiet machine.`,
  ]
}

function verdict(result: RabbitmqResult): string[] {
  const found = voidHeats(result)
  if (found.length === 0) return ['A/A control: the baseline agrees with itself within 3% everywhere.']
  return [`**VOID: the A/A control is off by more than 3%, so these figures say nothing.** ${found.join('; ')}.`]
}

function conditions(result: RabbitmqResult): string {
  const { capture, options, brokerVersion, runners } = result
  const versions = new Map(runners.map(({ contestant: { packageName } }) => [packageName, versionOf(packageName)]))
  const libraries = [...versions].map(([name, version]) => `${name} ${version ?? '(not installed)'}`)
  const remarks = runners.flatMap(({ contestant: { remark } }) => (remark === undefined ? [] : [remark]))
  const acks = capture.acksMultiple ? 'several deliveries at a time' : 'each delivery by itself'
  return [
    ...machineDescription().map((line) => `- ${line}`),
    `- RabbitMQ ${brokerVersion}; ${libraries.join(', ')}`,
    `- one quorum queue, persistent messages; ${window} sends unconfirmed, prefetch ${prefetch} (${prefetchFor(65_536)} above 16 KiB), ` +
      'one process, one after the other, on new connections in each round',
    `- the baseline writes the bytes that Waybill writes (${capture.publishBytes} of method, properties and headers ` +
      'per message), compared through a proxy at the start; it repeats one id and one time. ' +
      `Waybill acknowledges ${acks}, the baseline each by itself`,
    `- ${options.rounds} rounds, the first ${warmUpRounds(options.rounds)} left out; the clients’ order is another in each, ` +
      'so that each is as often in every place and behind every other (a Williams design: ABBA for more than two); ' +
      'before each turn garbage is collected and a tenth more runs unmeasured; what was confirmed counted in the queue; amqplib with its own socket options',
    '- Waybill and the baseline each have one connection to send and one to receive',
    '- the ratio is that of the medians to the baseline, with its bootstrap 95% interval over whole rounds; ' +
      'CPU is that of the client process per message, medians; RSS is of that one process with all clients in it',
    '- p50 and p99: send to confirm, and send to handler, at half of the baseline’s rate (of what it publishes, ' +
      'if that is less), the first tenth left out',
    ...remarks.map((remark) => `- ${remark}`),
    ...failuresOf(result).map((line) => `- ${line}`),
  ].join('\n')
}

function failuresOf({ runners, strayErrors }: RabbitmqResult): string[] {
  const failed = runners.flatMap(({ contestant, failure }) =>
    failure === undefined ? [] : [`${contestant.name} did not finish: ${failure}`],
  )
  return [...failed, ...strayErrors.map((error) => `a library threw where nobody could catch it: ${error}`)]
}

function titleOf({ way, payload, messages }: Heat): string {
  const what = way === 'publish' ? 'Publish with confirm' : 'Consume and acknowledge'
  return `${what}, ${payloadSize(payload)} (${whole(messages)} messages a round)`
}

function rowsOf(result: RabbitmqResult, heat: Heat): string[][] {
  const base = heat.readings.get(result.baseline) ?? []
  return result.runners.map(({ contestant, failure }) => {
    const readings = heat.readings.get(contestant) ?? []
    if (readings.length === 0) return [contestant.name, shortly(failure), '-', '-', '-', '-', '-', '-']
    const cpu = medianOf(readings, 'cpuUsEach')
    const ratio = ratioOf(result, heat, contestant)
    const latencies = warm(heat.latencies.get(contestant))
    return [
      contestant.name,
      whole(medianOf(readings, 'perSecond')),
      contestant === result.baseline || ratio === undefined ? '1.00' : interval(ratio),
      decimal(cpu),
      decimal(cpu - medianOf(base, 'cpuUsEach')),
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
function ratioOf({ baseline }: RabbitmqResult, heat: Heat, contestant: Contestant): Ratio | undefined {
  const values = (heat.readings.get(contestant) ?? []).map(({ perSecond }) => perSecond)
  const base = (heat.readings.get(baseline) ?? []).map(({ perSecond }) => perSecond)
  return values.length === 0 || base.length === 0 ? undefined : ratioOfMedians(values, base)
}

function medianOf(readings: readonly Reading[], figure: 'perSecond' | 'cpuUsEach' | 'rssBytes'): number {
  return median(readings.map((reading) => reading[figure]))
}
