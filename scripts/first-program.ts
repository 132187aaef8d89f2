// Does what a newcomer does: takes the packed packages into an empty folder, writes the first program of the README
// there, runs it with plain Node, and compares what it prints with what the README says.
//
//   first-program.ts [--broker memory | rabbitmq | kafka]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { type BrokerName, brokerAddress, brokerNames, withoutKnownWarnings } from './test/broker-address.ts'
import { readMarkdown } from './test/markdown.ts'
import { pack } from './test/pack.ts'
import { runStep, type Step } from './test/step.ts'
import { root, workspace } from './test/workspace.ts'

const { broker } = new Command()
  .addOption(new Option('--broker <name>').choices(brokerNames).default('memory'))
  .parse()
  .opts<{ broker: BrokerName }>()
const needed = ['core', ...brokerNames]
const plain = { NODE_OPTIONS: withoutKnownWarnings, NODE_PATH: '', NO_COLOR: '1' }

const { program, expected } = readmeProgram()
const folder = mkdtempSync(join(tmpdir(), 'waybill-first-program-'))
try {
  const tarballs: string[] = []
  for (const member of workspace().filter(({ short }) => needed.includes(short)))
    tarballs.push(await pack(member, folder))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  writeFileSync(join(folder, 'first.ts'), program)
  await succeed({
    command: 'npm',
    arguments: ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...tarballs, 'zod'],
    folder,
    deadlineMs: 180_000,
  })
  await using address = await brokerAddress(broker)
  const printed = await succeed({
    command: process.execPath,
    arguments: ['first.ts'],
    folder,
    environment: { ...plain, WAYBILL_URL: address.url },
    deadlineMs: 60_000,
  })
  if (printed.trim() === expected.trim()) console.log(`first program on ${broker}: prints what the README says`)
  else {
    console.log(`first program on ${broker}: the README says\n\n${expected}\n\nand the program printed\n\n${printed}`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The README's first TypeScript block, and the block after it: what it prints. */
function readmeProgram(): { program: string; expected: string } {
  const { blocks } = readMarkdown(join(root, 'README.md'))
  const index = blocks.findIndex(({ language }) => language === 'ts')
  const output = blocks[index + 1]
  if (index < 0 || output === undefined || output.language === 'ts') {
    throw new Error('README.md needs a ```ts block followed by a block with what it prints')
  }
  return { program: `${blocks[index]?.text}\n`, expected: output.text }
}

async function succeed(step: Step): Promise<string> {
  const { ok, output, reason } = await runStep(step)
  if (!ok) throw new Error(`${step.command} ${step.arguments.join(' ')}: ${reason}\n${output}`)
  return output
}
