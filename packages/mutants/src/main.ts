// Runs the conformance kit against every mutant, and writes packages/conformance/mutants.json.
import { startBroker } from '@waybill/brokers'
import { Command } from 'commander'
import pc from 'picocolors'
import { coverageProblems, coveredCases, reasons } from './coverage.ts'
import { eachOf } from './each-of.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'
import { updateReport } from './report.ts'
import { summaryTable } from './summary.ts'
import { memoryGround, rabbitmqGround, tryMutant, tryUnbroken, type Ground, type Verdict } from './trial.ts'

interface Options {
  readonly only?: string
  readonly skipRabbitmq?: boolean
  readonly atOnce: string
}

const options = new Command('npm run test:mutants --')
  .description('Shows that the conformance kit catches broken drivers, cores and adapters.')
  .option('--only <names>', 'these mutants only, by name')
  .option('--skip-rabbitmq', 'leave out the mutants that need RabbitMQ')
  .option('--at-once <number>', 'how many mutants of the memory driver to run at a time', '4')
  .parse()
  .opts<Options>()

const chosen = chosenMutants()
const onMemory = chosen.filter(({ kind }) => kind !== 'rabbitmq')
const onRabbitmq = options.skipRabbitmq === true ? [] : chosen.filter(({ kind }) => kind === 'rabbitmq')
const total = onMemory.length + onRabbitmq.length
const isWhole = total === mutants.length
const verdicts: Verdict[] = []
const problems: string[] = isWhole ? [...coverageProblems(mutants)] : []

for (const [profile, tried = []] of Object.entries(Object.groupBy(onMemory, ({ profile = 'copies' }) => profile))) {
  await onGround(`memory, ${profile}`, memoryGround(profile), tried, Number(options.atOnce))
}
if (onRabbitmq.length > 0) await withRabbitmq((ground) => onGround('rabbitmq', ground, onRabbitmq, 1))
await finish()

function chosenMutants(): readonly Mutant[] {
  if (options.only === undefined) return mutants
  const names = options.only.split(',')
  const unknown = names.filter((name) => mutants.every((mutant) => mutant.name !== name))
  if (unknown.length > 0) {
    console.error(
      `--only: there is no mutant ${unknown.join(', ')}; there are ${mutants.map(({ name }) => name).join(', ')}`,
    )
    process.exit(1)
  }
  return mutants.filter(({ name }) => names.includes(name))
}

async function onGround(what: string, ground: Ground, tried: readonly Mutant[], atOnce: number): Promise<void> {
  if (tried.length === 0) return
  const cases = [...new Set(tried.flatMap(({ red }) => Object.keys(red)))]
  console.log(`${what}: ${cases.length} cases with nothing broken ...`)
  const shares = Array.from({ length: atOnce }, (_, share) => cases.filter((_, index) => index % atOnce === share))
  await eachOf(shares, atOnce, async (share) => void problems.push(...(await tryUnbroken(ground, share))))
  console.log(`${what}: ${tried.length} mutants ...`)
  await eachOf(tried, atOnce, async (mutant) => show(await tryMutant(mutant, ground)))
}

async function withRabbitmq(work: (ground: Ground) => Promise<void>): Promise<void> {
  console.log('rabbitmq: starting a broker ...')
  const broker = await startBroker('rabbitmq')
  try {
    await work(rabbitmqGround(broker.description))
  } finally {
    await broker.stop()
  }
}

function show(verdict: Verdict): void {
  verdicts.push(verdict)
  const { mutant, red, problems: why, seconds } = verdict
  const mark = why.length === 0 ? pc.green('caught  ') : pc.red('SURVIVED')
  const place = `${String(verdicts.length).padStart(String(total).length)}/${total}`
  console.log(`${place} ${mark} ${mutant.name} (${seconds.toFixed(1)} s): ${red.join(', ')}`)
  for (const each of why) console.log(`      ${each.replaceAll('\n', '\n      ')}`)
  problems.push(...why.map((each) => `${mutant.name}: ${each}`))
}

async function finish(): Promise<void> {
  console.log(`\n${summaryTable(verdicts)}`)
  const caught = verdicts.filter((verdict) => verdict.problems.length === 0).length
  console.log(`${caught} of ${total} mutants caught`)
  if (isWhole) {
    const excused = Object.keys(reasons).length
    console.log(
      `${coveredCases.length - excused} of ${coveredCases.length} cases turned red, ${excused} with a reason not to be`,
    )
  }
  if (problems.length > 0) {
    console.log(`\n${problems.map((each) => `${pc.red('x')} ${each}`).join('\n')}`)
    process.exitCode = 1
  } else {
    const names = mutants.map(({ name }) => name)
    await updateReport(names, new Map(verdicts.map(({ mutant, red }) => [mutant.name, red])))
    console.log('written: packages/conformance/mutants.json')
  }
}
