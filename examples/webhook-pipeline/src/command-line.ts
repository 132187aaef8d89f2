import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { type BrokerName, brokerNames } from './broker-address.ts'

export interface CommandLine {
  readonly broker: BrokerName
  readonly url?: string
  readonly messages: number
}

const mostMessages = 500_000

/** The arguments, or the status to exit with: after `--help`, or after saying what is wrong with them. */
export function readCommandLine(
  arguments_: readonly string[],
  write: (text: string) => void,
): CommandLine | { readonly exitStatus: number } {
  const command = new Command('npm run demo --')
    .description(
      'Sends real GitHub webhooks through three groups: order per repository, retries, duplicates, dead letters.\n' +
        'Ends with a table and exits with 1 unless every count is as computed beforehand.',
    )
    .addOption(new Option('--broker <name>', 'the broker to run on').choices(brokerNames).default('memory'))
    .option('--url <url>', 'a broker that runs already, such as amqp://guest:guest@localhost; wins over --broker')
    .option('--messages <number>', 'how many messages, without the duplicates', wholeNumber, 3_000)
    .helpOption('--help', 'show this')
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
  try {
    return command.parse(arguments_, { from: 'user' }).opts<CommandLine>()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { exitStatus: error.exitCode === 0 ? 0 : 2 }
  }
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= 1 && number <= mostMessages) return number
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${mostMessages}.`)
}
