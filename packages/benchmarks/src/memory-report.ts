import { decimal, mebibytes, whole } from './figures.ts'
import { machineDescription, today } from './machine.ts'
import { markdownTable } from './markdown.ts'
import { fullMemory, type MemoryResult, type Passage } from './memory-bench.ts'
import { profileText } from './profile-report.ts'
import { terminalTable } from './terminal-table.ts'

interface Part {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const passageHead = ['', 'messages/s', 'CPU µs', 'heap bytes', 'µs to the first']

/** Growth that a collection leaves behind by itself, whatever was sent. */
const mostGrowth = 2 ** 20

export function memoryTerminal(result: MemoryResult): string {
  const tables = partsOf(result).map(({ title, head, rows }) => `${title}\n${terminalTable(head, rows)}`)
  return [...tables, longRunSentence(result), ...profileText(result.profiles, 'terminal')].join('\n\n')
}

export function memoryMarkdown(result: MemoryResult): string {
  const tables = partsOf(result).map(({ title, head, rows }) => `### ${title}\n\n${markdownTable(head, rows)}`)
  return [
    '## Memory',
    ...quickWarning(result),
    conditions(result),
    ...tables,
    longRunSentence(result),
    ...profileText(result.profiles, 'markdown'),
  ].join('\n\n')
}

function quickWarning({ options }: MemoryResult): string[] {
  if (!options.quick && options.rounds >= fullMemory.rounds && options.messages >= fullMemory.messages) return []
  return [
    `**Quick figures: ${options.rounds} rounds of ${whole(options.messages)} messages. ` +
      'They show that the benchmark works; nothing may be concluded from them.**',
  ]
}

function conditions({ options }: MemoryResult): string {
  return [
    ...machineDescription().map((line) => `- ${line}`),
    `- measured on ${today()}`,
    '- the whole way of each message: send with confirm, deliver, handler, settle; one process, bytes codec, 100 bytes',
    `- medians of ${options.rounds} rounds of ${whole(options.messages)}, ` +
      'the first tenth left out, garbage collected and a tenth of the messages run unmeasured before each',
    '- heap bytes: what is allocated per message on the JavaScript heap, garbage included',
  ].join('\n')
}

function partsOf(result: MemoryResult): readonly Part[] {
  const [shallow] = result.backlogs
  return [
    { title: 'Through the pipeline', head: passageHead, rows: passageRows(result.pipelines) },
    { title: 'Channels, each with a consumer', head: passageHead, rows: passageRows(result.widths) },
    {
      title: 'Backlog, eight stages',
      head: ['waiting', 'send µs', 'drain µs', 'drain to the first', 'kept bytes each'],
      rows: result.backlogs.map(({ depth, sendUsEach, drainUsEach, keptBytesEach }) => [
        whole(depth),
        decimal(sendUsEach, 2),
        decimal(drainUsEach, 2),
        decimal(drainUsEach / (shallow?.drainUsEach ?? Number.NaN), 2),
        whole(keptBytesEach),
      ]),
    },
  ]
}

function passageRows(passages: readonly Passage[]): string[][] {
  const first = passages[0]?.perSecond ?? Number.NaN
  return passages.map(({ title, perSecond, cpuUsEach, heapBytesEach }) => [
    title,
    whole(perSecond),
    decimal(cpuUsEach, 2),
    whole(heapBytesEach),
    decimal(first / perSecond, 2),
  ])
}

function longRunSentence({ longRun }: MemoryResult): string {
  const { messages, perSecond, heapBefore, heapAfter } = longRun
  const growth = heapAfter - heapBefore
  const judgement = growth > mostGrowth ? '**The heap grew.**' : 'The heap did not grow.'
  return (
    `${whole(messages)} messages in a row at ${whole(perSecond)} messages/s: heap after garbage collection ` +
    `${mebibytes(heapBefore)} before, ${mebibytes(heapAfter)} after. ${judgement}`
  )
}
