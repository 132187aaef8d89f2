import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import pc from 'picocolors'
import { killAllSteps, runStep } from './test/step.ts'
import { Tally } from './test/tally.ts'
import { root, type WorkspacePackage, workspace } from './test/workspace.ts'

interface Options {
  readonly only?: readonly string[]
  readonly adapter?: readonly string[]
  readonly seed?: string
}

const peers = 'peers'
const list = (text: string): string[] => text.split(',').map((name) => name.trim())
const options = new Command('npm run test:long --')
  .description(
    'Runs the long conformance cases in full on real brokers, and the peers through the same faults; writes ' +
      'packages/*/conformance/long/ and docs/reliability.md.',
  )
  .option('--only <parts>', `these parts or ids only: kills,resets,FLT-09,${peers}`, list)
  .option('--adapter <names>', 'these adapters only, by folder name: memory,rabbitmq', list)
  .option('--seed <seed>', 'draw hostile messages from this seed, as a failure prints it')
  .parse()
  .opts<Options>()
if (options.seed !== undefined) process.env.WAYBILL_FUZZ_SEED = options.seed

const minute = 60_000
/** One adapter, all of its cases: those of RabbitMQ take 42 minutes, and the first ten of Kafka 26. */
const longestMs = 150 * minute
const sourceCondition = '--conditions=@waybill/source'
const tally = new Tally()
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interrupted) console.log(`\n${signal}: ending what runs`)
    interrupted = true
    process.exitCode = 130
    killAllSteps()
  })
}

const only = options.only ?? []
const parts = only.filter((name) => name !== peers)
const adapters = chosenAdapters()
if (only.length === 0 || parts.length > 0) for (const adapter of adapters) await runAdapter(adapter)
if (only.length === 0 ? options.adapter === undefined : only.includes(peers)) await runPeers()
await run('docs', 'docs/reliability.md', join(root, 'packages/conformance/scripts/reliability.ts'), [], minute)
finish()

function chosenAdapters(): readonly WorkspacePackage[] {
  const able = workspace().filter(({ folder }) => existsSync(join(folder, 'test/long.ts')))
  const unknown = (options.adapter ?? []).filter((name) => !able.some(({ short }) => short === name))
  if (unknown.length > 0) {
    console.error(`--adapter: none named ${unknown.join(', ')}; there are ${able.map(({ short }) => short).join(', ')}`)
    process.exit(1)
  }
  return able.filter(({ short }) => options.adapter?.includes(short) ?? true)
}

/** An adapter's own program starts its broker and runs the kit's long cases on it. */
async function runAdapter({ short, folder }: WorkspacePackage): Promise<void> {
  await run(short, `long cases on ${short}`, join(folder, 'test/long.ts'), parts, longestMs)
}

async function runPeers(): Promise<void> {
  await run(peers, 'the peers', join(root, 'packages/benchmarks/src/reliability/main.ts'), [], 30 * minute)
}

async function run(
  row: string,
  title: string,
  program: string,
  programArguments: readonly string[],
  deadlineMs: number,
): Promise<void> {
  if (interrupted) return
  console.log(`\n${pc.bold(`== ${row}`)}`)
  const result = await runStep({
    command: process.execPath,
    arguments: [sourceCondition, program, ...programArguments],
    deadlineMs,
    live: true,
  })
  if (interrupted) return
  const mark = result.ok ? pc.green('ok  ') : pc.red('FAIL')
  console.log(`${mark} ${title} (${result.seconds.toFixed(1)} s)${result.ok ? '' : `: ${result.reason}`}`)
  tally.add(row, { passed: result.ok ? 1 : 0, failed: result.ok ? 0 : 1, skipped: 0, seconds: result.seconds })
}

function finish(): void {
  if (interrupted) {
    console.log('interrupted: no result')
    return
  }
  console.log(`\n${tally.table()}\n${tally.lastLine()}`)
  process.exitCode = tally.total.failed > 0 ? 1 : 0
}
