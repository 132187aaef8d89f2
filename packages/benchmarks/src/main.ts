import { Command, InvalidArgumentError, Option } from 'commander'
import { restartedWithCollector } from './collector.ts'
import type { Comparison } from './comparison.ts'
import {
  type ComparisonOptions,
  fullFurtherRounds,
  fullMessages,
  fullRounds,
  quickMessages,
  quickRounds,
} from './comparison-options.ts'
import type { Told } from './comparison-report.ts'
import { type Way, ways } from './contestant.ts'
import { passDockerProxy } from './host-address.ts'
import { writeParts, writeSection } from './markdown.ts'
import { benchMemory, fullMemory, quickMemory } from './memory-bench.ts'
import { memoryMarkdown, memoryTerminal } from './memory-report.ts'
import { writeReadings } from './readings-file.ts'

interface CommonFlags {
  readonly rounds?: number
  readonly messages?: number
  readonly quick?: boolean
  readonly profile?: boolean
  readonly write: boolean
}

interface ComparisonFlags extends CommonFlags {
  readonly url?: string
  readonly payload: readonly number[]
  readonly way?: Way
  readonly readings?: string
}

const program = new Command('npm run bench --').description('Measures what Waybill costs; writes docs/benchmarks.md.')

common(program.command('memory').description('the whole pipeline on the embedded broker')).action(
  async ({ quick = false, profile = false, rounds, messages, write }: CommonFlags) => {
    const preset = quick ? quickMemory : fullMemory
    const options = { quick, profile, rounds: rounds ?? preset.rounds, messages: messages ?? preset.messages }
    const result = await benchMemory(options)
    console.log(`\n${memoryTerminal(result)}`)
    if (write) writeSection('memory', memoryMarkdown(result))
  },
)

comparing(program.command('rabbitmq').description('against raw amqplib and the other libraries, in one run'))
  .addOption(new Option('--url <url>', started('RabbitMQ')).env('WAYBILL_RABBITMQ_URL'))
  .action(async ({ url, ...flags }: ComparisonFlags) => {
    // Only when wanted: NestJS and the others take a second to load.
    const { benchRabbitmq } = await import('./rabbitmq-bench.ts')
    await compared('rabbitmq', flags, async (options) => {
      return benchRabbitmq(url ?? (await startedBroker('rabbitmq')).url, options)
    })
  })

comparing(program.command('kafka').description('against raw kafkajs in batches and the other libraries, in one run'))
  .addOption(new Option('--url <url>', started('Kafka')).env('WAYBILL_KAFKA_URL'))
  .action(async ({ url, ...flags }: ComparisonFlags) => {
    const { benchKafka } = await import('./kafka-bench.ts')
    await compared('kafka', flags, async (options) => {
      return benchKafka(url === undefined ? await startedBroker('kafka') : { url, version: '' }, options)
    })
  })

if (!(await restartedWithCollector())) {
  try {
    await program.parseAsync()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
  // A library that hung may hold its sockets for ever.
  process.exit()
}

function common(command: Command): Command {
  return command
    .option('--rounds <n>', 'rounds per figure', atLeast(2))
    .option('--messages <n>', 'messages per round', atLeast(2))
    .option('--quick', 'small figures, to see that it works')
    .option('--profile', 'also show in which functions the time goes')
    .option('--no-write', 'leave docs/benchmarks.md as it is')
}

function comparing(command: Command): Command {
  return common(command)
    .option('--payload <bytes>', 'sizes of the body, separated by commas', sizes, [100, 1_024, 65_536])
    .addOption(new Option('--way <way>', 'one direction only; default: both').choices(ways))
    .option('--readings <file>', 'also write each round of each client, as JSON')
}

function started(broker: string): string {
  return `a ${broker}; default: one is started in a container`
}

async function startedBroker(name: 'rabbitmq' | 'kafka'): Promise<{ url: string; version: string }> {
  const { startBroker } = await import('@waybill/brokers')
  passDockerProxy()
  return startBroker(name)
}

async function compared(
  section: string,
  { quick = false, profile = false, rounds, messages, write, payload, way, readings }: ComparisonFlags,
  bench: (options: ComparisonOptions) => Promise<{ result: Comparison; told: Told }>,
): Promise<void> {
  const { comparisonMarkdown, comparisonTerminal, voidHeats } = await import('./comparison-report.ts')
  const { result, told } = await bench({
    quick,
    profile,
    rounds: rounds ?? (quick ? quickRounds : fullRounds),
    messages: messages ?? (quick ? quickMessages : fullMessages),
    mostFurtherRounds: quick || rounds !== undefined ? 0 : fullFurtherRounds,
    payloads: payload,
    ways: way === undefined ? ways : [way],
  })
  console.log(`\n${comparisonTerminal(result, told)}`)
  if (write) writeParts(section, comparisonMarkdown(result, told))
  if (readings !== undefined) writeReadings(readings, result)
  if (!quick && voidHeats(result).length > 0) process.exitCode = 1
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`Give a whole number of at least ${least}.`)
  }
}

function sizes(text: string): readonly number[] {
  return text.split(',').map((each) => atLeast(1)(each.trim()))
}
