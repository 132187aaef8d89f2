import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import pc from 'picocolors'
import { type BrokerName, brokerNames } from './test/broker-address.ts'
import { type Check, checks } from './test/checks.ts'
import { killAllSteps, runStep, type StepResult } from './test/step.ts'
import { Tally } from './test/tally.ts'
import { unhandledErrorsFile } from './test/unhandled-errors.ts'
import { readVitestReport } from './test/vitest-report.ts'
import { root, type WorkspacePackage, workspace } from './test/workspace.ts'

interface Options {
  readonly only?: string
  readonly skipChecks?: boolean
}

const options = new Command('npm test --')
  .description('Checks and tests everything in this repository, brokers included.')
  .option('--only <packages>', 'test these packages and examples only, by folder name: core,memory; "checks": none')
  .option('--skip-checks', 'leave out lint, types, law, reports, packing and docs')
  .parse()
  .opts<Options>()

const startable = brokerNames.filter((name) => name !== 'memory')

const minute = 60_000
const checksAtOnce = 2
const sourceCondition = '--conditions=@waybill/source'
const scratch = mkdtempSync(join(tmpdir(), 'waybill-test-'))
const tally = new Tally()
const failures: string[] = []
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interrupted) console.log(`\n${signal}: ending what runs`)
    interrupted = true
    process.exitCode = 130
    killAllSteps()
  })
}

const members = selected()
if (options.skipChecks !== true) await runChecks()
const ready = await prepareBrokers()
for (const member of members.filter(hasTests)) await runTests(member)
for (const member of members.filter(({ kind }) => kind === 'example')) await runExample(member)
await runExamplePrograms(members.filter(hasOutput))
if (options.only === undefined) await runFirstProgram()
finish()

function selected(): readonly WorkspacePackage[] {
  const all = workspace()
  if (options.only === undefined) return all
  const names = options.only.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => name !== 'checks' && !all.some(({ short }) => short === name))
  if (unknown.length > 0) {
    console.error(
      `--only: no package or example named ${unknown.join(', ')}; there are checks, ${all.map(({ short }) => short).join(', ')}`,
    )
    process.exit(1)
  }
  return all.filter(({ short }) => names.includes(short))
}

async function runChecks(): Promise<void> {
  heading('checks')
  const waiting = [...checks()]
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined && !interrupted; check = waiting.shift())
      await runCheck(check)
  }
  await Promise.all(Array.from({ length: checksAtOnce }, worker))
}

async function runCheck(check: Check): Promise<void> {
  record('checks', check.title, await runStep(check))
}

/** Those brokers that are needed and could be started, and the one that needs no start. */
async function prepareBrokers(): Promise<ReadonlySet<BrokerName>> {
  const needed = startable.filter(
    (broker) => options.only === undefined || members.some((each) => brokersOf(each).includes(broker)),
  )
  if (needed.length > 0) heading('brokers')
  const prepared = new Set<BrokerName>(['memory'])
  for (const broker of needed) if (await prepareBroker(broker)) prepared.add(broker)
  return prepared
}

async function prepareBroker(broker: BrokerName): Promise<boolean> {
  const result = await runStep({
    command: process.execPath,
    arguments: [sourceCondition, join(root, 'packages/brokers/src/prepare.ts'), broker],
    deadlineMs: 20 * minute,
    live: true,
  })
  record('checks', `preparation of ${broker}`, result, true)
  return result.ok
}

async function runTests(member: WorkspacePackage): Promise<void> {
  if (interrupted) return
  heading(member.short)
  const missing = brokersOf(member).find((broker) => !ready.has(broker))
  if (missing !== undefined) return refuseWithout(missing, member.short)
  const tests = join(scratch, `${member.short}.json`)
  const unhandledErrors = join(scratch, `${member.short}.unhandled.json`)
  const result = await runStep({
    command: process.execPath,
    arguments: [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${tests}`,
      `--reporter=${join(root, 'scripts/test/unhandled-errors.ts')}`,
    ],
    folder: member.folder,
    environment: {
      [unhandledErrorsFile]: unhandledErrors,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${sourceCondition}`.trim(),
      ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
    },
    deadlineMs: 20 * minute,
    live: true,
  })
  const { passed, failed, skipped, skippedNames, failedNames } = readVitestReport({ tests, unhandledErrors }, result.ok)
  tally.add(member.short, { passed, failed, skipped, seconds: result.seconds })
  if (failed > 0)
    failures.push(`${member.short}: ${failed} failed${result.reason.startsWith('killed') ? ` (${result.reason})` : ''}`)
  for (const name of failedNames) failures.push(`${member.short}: ${name}`)
  for (const name of skippedNames)
    failures.push(`${member.short}: skipped "${name}": a test that does not run proves nothing`)
}

/** Each example is run on every broker it knows, at a small size. */
async function runExample(member: WorkspacePackage): Promise<void> {
  const main = join(member.folder, 'src/main.ts')
  if (!existsSync(main)) return
  heading(member.short)
  for (const broker of brokerNames) {
    if (interrupted) return
    if (!ready.has(broker)) return refuseWithout(broker, member.short)
    const result = await runStep({
      command: process.execPath,
      arguments: [main, '--broker', broker, '--messages', '1000'],
      deadlineMs: 5 * minute,
    })
    record(member.short, `${member.short} on ${broker}`, result)
  }
}

/** Those that print what they do must print the same on every broker. */
async function runExamplePrograms(examples: readonly WorkspacePackage[]): Promise<void> {
  if (interrupted || examples.length === 0) return
  heading('example programs')
  const names = examples.map(({ short }) => short)
  for (const broker of brokerNames) {
    if (!ready.has(broker)) return refuseWithout(broker, 'example programs')
    const result = await runStep({
      command: process.execPath,
      arguments: [sourceCondition, join(root, 'scripts/example-programs.ts'), '--broker', broker, ...names],
      deadlineMs: 5 * minute,
    })
    record('example programs', `${names.join(', ')} on ${broker}`, result)
  }
}

async function runFirstProgram(): Promise<void> {
  if (interrupted) return
  heading('first program')
  for (const broker of brokerNames) {
    if (!ready.has(broker)) return refuseWithout(broker, 'first program')
    const result = await runStep({
      command: process.execPath,
      arguments: [sourceCondition, join(root, 'scripts/first-program.ts'), '--broker', broker],
      deadlineMs: 5 * minute,
    })
    record('first program', `README program from the packed packages on ${broker}`, result)
  }
}

function hasTests({ manifest }: WorkspacePackage): boolean {
  return manifest.scripts?.test?.startsWith('vitest') === true
}

function hasOutput({ folder }: WorkspacePackage): boolean {
  return existsSync(join(folder, 'output.txt'))
}

/** An adapter needs its own broker, and who starts brokers and depends on adapters theirs; any other who does, all. */
function brokersOf({ short, kind, manifest }: WorkspacePackage): readonly BrokerName[] {
  if (kind === 'example') return startable
  const installed = { ...manifest.dependencies, ...manifest.devDependencies }
  if (short !== 'brokers' && !('@waybill/brokers' in installed)) return []
  const named = startable.filter((broker) => short === broker || `@waybill/${broker}` in installed)
  return named.length === 0 ? startable : named
}

function refuseWithout(broker: BrokerName, row: string): void {
  tally.add(row, { passed: 0, failed: 1, skipped: 0, seconds: 0 })
  failures.push(`${row}: not run, because there is no ${broker} (see "preparation of ${broker}" above)`)
}

function record(row: string, title: string, result: StepResult, shown = false): void {
  if (interrupted) return
  const mark = result.ok ? pc.green('ok  ') : pc.red('FAIL')
  console.log(`${mark} ${title} (${result.seconds.toFixed(1)} s)${result.ok ? '' : `: ${result.reason}`}`)
  if (!result.ok && !shown) console.log(result.output.trimEnd().replaceAll(/^/gm, '     '))
  if (!result.ok) failures.push(`${title}: ${result.reason}`)
  tally.add(row, { passed: result.ok ? 1 : 0, failed: result.ok ? 0 : 1, skipped: 0, seconds: result.seconds })
}

function heading(name: string): void {
  if (!interrupted) console.log(`\n${pc.bold(`== ${name}`)}`)
}

function finish(): void {
  rmSync(scratch, { recursive: true, force: true })
  if (interrupted) {
    console.log('interrupted: no result')
    return
  }
  const { failed, skipped } = tally.total
  if (failures.length > 0) console.log(`\n${failures.map((failure) => `${pc.red('x')} ${failure}`).join('\n')}`)
  console.log(`\n${tally.table()}\n${tally.lastLine()}`)
  process.exitCode = failed > 0 || skipped > 0 ? 1 : 0
}
