// Runs the examples that print what they do, each as its comment says, and compares with its output.txt.
//
//   example-programs.ts [--broker memory | rabbitmq | kafka] <example...>
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { type BrokerName, brokerAddress, brokerNames, withoutKnownWarnings } from './test/broker-address.ts'
import { runStep } from './test/step.ts'
import { root } from './test/workspace.ts'

const command = new Command()
  .addOption(new Option('--broker <name>').choices(brokerNames).default('memory'))
  .argument('<example...>')
  .parse()
const { broker } = command.opts<{ broker: BrokerName }>()

// Of SQLite, which the outbox needs.
const quiet = '--disable-warning=ExperimentalWarning'

await using address = await brokerAddress(broker)
for (const example of command.args) {
  const expected = readFileSync(join(root, 'examples', example, 'output.txt'), 'utf8')
  const { ok, output, reason } = await runStep({
    command: process.execPath,
    arguments: [join(root, 'examples', example, 'src', `${example}.ts`)],
    environment: { WAYBILL_URL: address.url, NODE_OPTIONS: `${quiet} ${withoutKnownWarnings}`, NO_COLOR: '1' },
    deadlineMs: 60_000,
  })
  if (ok && output === expected) console.log(`${example} on ${broker}: prints what it should`)
  else {
    console.log(
      `${example} on ${broker}${ok ? '' : `: ${reason}`}: expected\n\n${expected}\nand it printed\n\n${output}`,
    )
    process.exitCode = 1
  }
}
