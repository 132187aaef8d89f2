import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { runCampaign } from './campaign.ts'
import { failureText, ProgressLine } from './campaign-report.ts'
import { runPlanted } from './planted-campaign.ts'
import { type ProfileName, profileNames } from './profile-name.ts'
import { freshSeed } from './real-world.ts'

interface Flags {
  readonly seeds: number
  readonly seed?: number
  readonly firstSeed?: number
  readonly profile?: ProfileName
  readonly without: readonly number[]
  readonly workers: number
  readonly planted?: boolean
  readonly only?: string
}

const flags = new Command('npm run simulate --')
  .description('Runs the production core through simulated bad days.')
  .option('--seeds <n>', 'how many schedules', whole, 20_000)
  .option('--first-seed <n>', 'where to begin; default: somewhere new', whole)
  .option('--seed <n>', 'replay this one, and tell its story', whole)
  .addOption(new Option('--profile <kind>', 'one kind of broker; default: all').choices(profileNames))
  .option('--without <steps>', 'with --seed: leave these steps out, by number', numbers, [])
  .option('--workers <n>', 'threads', whole, availableParallelism())
  .option('--planted', 'plant each known bug in the core, and count the seeds until it is found')
  .option('--only <bug>', 'with --planted: this one')
  .parse()
  .opts<Flags>()

if (flags.planted === true) process.exitCode = await runPlanted(flags.workers, flags.only)
else if (flags.seed !== undefined) process.exitCode = await replayOne(flags.seed)
else process.exitCode = await runMany()

/** In this thread, from the same source as everything else. */
async function replayOne(seed: number): Promise<number> {
  const { replay } = await import('./replay.ts')
  const profile = flags.profile ?? profileNames[seed % profileNames.length]!
  const { story, hash, virtualMs, violation } = await replay(seed, profile, flags.without)
  console.log(`${story}\n\nseed ${seed}, profile ${profile}: ${virtualMs} virtual ms, trace ${hash}`)
  if (violation === undefined) console.log('every invariant held')
  return violation === undefined ? 0 : 1
}

async function runMany(): Promise<number> {
  const { seeds, profile, workers, firstSeed = freshSeed() } = flags
  console.log(`${seeds} schedules from seed ${firstSeed} on, ${profile ?? 'every profile'}, ${workers} threads`)
  const progress = new ProgressLine(seeds)
  const result = await runCampaign({ firstSeed, seeds, profile, workers, onProgress: (done) => progress.show(done) })
  for (const failed of result.failed) console.log(`\n${failureText(failed)}`)
  const perCore = Math.round(result.done / result.cpuSeconds)
  const { done, seconds, failed } = result
  console.log(
    `${done} schedules in ${seconds.toFixed(1)} s, ${perCore} per second of one core; ${failed.length} failed`,
  )
  return failed.length === 0 && done === seeds ? 0 : 1
}

function whole(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError('Give a whole number.')
}

function numbers(text: string): readonly number[] {
  return text.split(',').map(whole)
}
