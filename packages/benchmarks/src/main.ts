import { Command, InvalidArgumentError, Option } from 'commander'
import { restartedWithCollector } from './collector.ts'
import { writeSection } from './markdown.ts'
import { benchMemory, fullMemory, quickMemory } from './memory-bench.ts'
import { memoryMarkdown, memoryTerminal } from './memory-report.ts'
import { fullMessages, fullRounds, quickMessages, quickRounds } from './rabbitmq-options.ts'

interface CommonFlags {
  readonly rounds?: number
  readonly messages?: number
  readonly quick?: boolean
  readonly profile?: boolean
  readonly write: boolean
}

interface RabbitmqFlags extends CommonFlags {
  readonly url?: string
  readonly payload: readonly number[]
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

common(program.command('rabbitmq').description('against raw amqplib and the other libraries, in one run'))
  .addOption(
    new Option('--url <url>', 'a RabbitMQ; default: one is started in a container').env('WAYBILL_RABBITMQ_URL'),
  )
  .option('--payload <bytes>', 'sizes of the body, separated by commas', sizes, [100, 1_024, 65_536])
  .action(async ({ quick = false, profile = false, rounds, messages, write, payload, url }: RabbitmqFlags) => {
    // Only when wanted: NestJS and the others take a second to load.
    const { benchRabbitmq } = await import('./rabbitmq-bench.ts')
    const { rabbitmqMarkdown, rabbitmqTerminal, voidHeats } = await import('./rabbitmq-report.ts')
    const result = await benchRabbitmq({
      url: url ?? (await startedRabbitmq()),
      quick,
      profile,
      rounds: rounds ?? (quick ? quickRounds : fullRounds),
      messages: messages ?? (quick ? quickMessages : fullMessages),
      payloads: payload,
    })
    console.log(`\n${rabbitmqTerminal(result)}`)
    if (write) writeSection('rabbitmq', rabbitmqMarkdown(result))
    if (!quick && voidHeats(result).length > 0) process.exitCode = 1
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

async function startedRabbitmq(): Promise<string> {
  const { startBroker } = await import('@waybill/brokers')
  return (await startBroker('rabbitmq')).url
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
