import { balancedOrders } from './balanced-orders.ts'
import {
  type ComparisonOptions,
  fewer,
  mainPayload,
  messagesFor,
  mostOff,
  roundsPerConnection,
  slowFactor,
  warmUpRounds,
} from './comparison-options.ts'
import type { Contestant, Course, Track, Way } from './contestant.ts'
import { type CpuProfile, profiled } from './cpu-profile.ts'
import { payloadSize, whole } from './figures.ts'
import type { Load } from './latency.ts'
import { versionOf } from './machine.ts'
import type { Progress } from './progress.ts'
import { Race, reasonOf, type Runner } from './race.ts'
import { errorOfMeanRatio, median } from './statistics.ts'
import type { Reading } from './stopwatch.ts'

/** Who is compared on which broker. */
export interface Field {
  readonly course: Course
  readonly track: Track
  /** Sends unconfirmed at a time. */
  readonly window: number
  readonly prefetchFor: (payload: number) => number
  /** Puts messages on the broker for those who take any. */
  readonly filler: Contestant
  readonly baseline: Contestant
  readonly waybill: Contestant
  /** The baseline once more: what differs between the two is the error of the method. */
  readonly control: Contestant
  readonly peers: readonly Contestant[]
}

/** All readings of one payload in one direction, round by round, the warm-up left out. */
export interface Heat {
  readonly way: Way
  readonly payload: number
  readonly messages: number
  readonly readings: ReadonlyMap<Contestant, readonly Reading[]>
  /** Those who ran a tenth of the messages. */
  readonly slow: ReadonlySet<Contestant>
  /** Milliseconds at half of the baseline's rate; only at the main payload. */
  readonly latencies: ReadonlyMap<Contestant, Float64Array>
}

export interface Comparison extends Pick<Field, 'baseline' | 'control'> {
  readonly options: ComparisonOptions
  readonly runners: readonly Runner[]
  readonly heats: readonly Heat[]
  readonly profiles: ReadonlyMap<Way, ReadonlyMap<string, CpuProfile>>
  /** Thrown past every handler, by whichever library. */
  readonly strayErrors: readonly string[]
}

const latencySeconds = { full: 3, quick: 0.5 }

/** Runs the whole comparison on one broker. */
export async function compare(field: Field, options: ComparisonOptions, progress: Progress): Promise<Comparison> {
  const { baseline, waybill, control, filler, peers } = field
  const runners: Runner[] = [baseline, waybill, control, ...peers].map((contestant) => ({ contestant }))
  const race = new Race({ ...field, deadlineMs: options.quick ? 30_000 : 120_000 })
  const strayErrors: string[] = []
  const onStray = (error: unknown): void => {
    strayErrors.push(reasonOf(error))
    progress.say(`a library threw where nobody could catch it: ${reasonOf(error)}`)
  }
  process.on('uncaughtException', onStray).on('unhandledRejection', onStray)
  try {
    await filler.open(field.course)
    for (const runner of runners) {
      if (versionOf(runner.contestant.packageName) === undefined) runner.failure = 'not installed'
    }
    const plan = { ...field, race, options, progress }
    const heats = await runHeats({ ...plan, runners })
    const profiled = runners.filter(({ contestant }) => contestant === waybill || contestant === baseline)
    const profiles = options.profile ? await runProfiles({ ...plan, runners: profiled }) : new Map()
    return { options, baseline, control, runners, heats, profiles, strayErrors }
  } finally {
    await closeAll(race, runners)
    await filler.close().catch(() => {})
    process.off('uncaughtException', onStray).off('unhandledRejection', onStray)
  }
}

interface Plan extends Pick<Field, 'baseline' | 'waybill' | 'control' | 'window' | 'prefetchFor'> {
  readonly race: Race
  readonly runners: readonly Runner[]
  readonly options: ComparisonOptions
  readonly progress: Progress
}

interface HeatPlan extends Plan {
  readonly way: Way
  readonly payload: number
  readonly body: Buffer
  readonly messages: number
  readonly slow: Set<Contestant>
  /** What the baseline was able to publish, which feeds those who consume. */
  readonly mostPerSecond: number
}

async function runHeats(plan: Plan): Promise<Heat[]> {
  const { race, runners, baseline, options, progress, prefetchFor } = plan
  await openAll(race, runners, prefetchFor(options.payloads[0] as number))
  for (const { contestant, failure } of runners) {
    if (failure !== undefined) progress.say(`${contestant.name} is out: ${failure}`)
  }
  const heats: Heat[] = []
  for (const payload of options.payloads) {
    const body = Buffer.alloc(payload, 'x')
    const messages = messagesFor(payload, options)
    let published = options.ways.includes('publish') ? Infinity : await publishRate(plan, body, messages)
    for (const way of options.ways) {
      const racing = runners.filter(({ contestant: { only } }) => only === undefined || only === way)
      const slow = new Set<Contestant>()
      const heat = await runHeat({
        ...plan,
        runners: racing,
        way,
        payload,
        body,
        messages,
        slow,
        mostPerSecond: published,
      })
      heats.push(heat)
      published = rateOf(heat.readings.get(baseline))
    }
  }
  return heats
}

async function runHeat(plan: HeatPlan): Promise<Heat> {
  const { race, runners, way, payload, messages, options, progress, slow, prefetchFor } = plan
  const readings = new Map<Contestant, Reading[]>(runners.map(({ contestant }) => [contestant, []]))
  const discarded = warmUpRounds(options.rounds)
  for (let round = 0; round < options.rounds; round++) {
    if (round % roundsPerConnection === 0) await reopenAll(race, runners, prefetchFor(payload))
    const taken = await runRound(plan, round)
    if (round >= discarded) for (const [contestant, reading] of taken) readings.get(contestant)?.push(reading)
    else noteSlow(plan, taken)
    progress.say(`${way} ${payloadSize(payload)}: round ${round + 1} of ${options.rounds}`)
  }
  await runFurther(plan, readings)
  const latencies = payload === mainPayload(options.payloads) ? await runLatencies(plan, readings) : new Map()
  return { way, payload, messages, readings, slow, latencies }
}

/** For who measures consuming alone, and feeds it no faster than the baseline publishes. */
async function publishRate({ race, runners, baseline }: Plan, body: Buffer, messages: number): Promise<number> {
  const runner = runners.find(({ contestant }) => contestant === baseline) as Runner
  const laps: Reading[] = []
  for (let lap = 0; lap < 3; lap++) {
    const reading = await race.measure(runner, 'publish', body, messages)
    if (reading !== undefined) laps.push(reading)
  }
  return rateOf(laps)
}

/**
 * More rounds of those whose ratio is claimed, until the control is known within what it may be off. What it is then is no
 * reason to go on: that would stop at a lucky moment.
 */
async function runFurther(plan: HeatPlan, readings: ReadonlyMap<Contestant, Reading[]>): Promise<void> {
  const { race, baseline, waybill, control, way, payload, options, progress, prefetchFor } = plan
  const claimed = [baseline, waybill, control]
  const runners = plan.runners.filter(({ contestant }) => claimed.includes(contestant))
  if (runners.some(({ failure }) => failure !== undefined)) return
  const ratesOf = (contestant: Contestant): number[] => readings.get(contestant)!.map(({ perSecond }) => perSecond)
  for (let round = 0; round < options.mostFurtherRounds; round++) {
    const known = 1.96 * errorOfMeanRatio(ratesOf(control), ratesOf(baseline))
    if (known <= mostOff) return
    if (round % roundsPerConnection === 0) await reopenAll(race, runners, prefetchFor(payload))
    const taken = await runRound({ ...plan, runners }, round)
    if (taken.size < runners.length) return
    for (const [contestant, reading] of taken) readings.get(contestant)!.push(reading)
    const within = `the control is known within ${(known * 100).toFixed(1)}%`
    progress.say(`${way} ${payloadSize(payload)}: further round ${round + 1}, ${within}`)
  }
}

/** Found anew in each round of the warm-up; the last one decides. */
function noteSlow({ baseline, slow }: HeatPlan, taken: ReadonlyMap<Contestant, Reading>): void {
  const most = taken.get(baseline)?.perSecond ?? 0
  slow.clear()
  for (const [contestant, { perSecond }] of taken) if (perSecond * slowFactor < most) slow.add(contestant)
}

async function openAll(race: Race, runners: readonly Runner[], prefetch: number): Promise<void> {
  for (const runner of runners) if (runner.failure === undefined) await race.open(runner, prefetch)
}

async function closeAll(race: Race, runners: readonly Runner[]): Promise<void> {
  for (const runner of runners) await race.close(runner)
}

/**
 * One connection can be luckier than another in the kernel and the broker for as long as it lives, so that no heat runs
 * on one alone. New ones in each round would have V8 compile anew what was compiled for the objects of the old.
 */
async function reopenAll(race: Race, runners: readonly Runner[], prefetch: number): Promise<void> {
  await closeAll(race, runners)
  await openAll(race, runners, prefetch)
}

/** Each runs all of its messages in one go, in an order of the round's own. */
async function runRound(plan: HeatPlan, round: number): Promise<Map<Contestant, Reading>> {
  const { race, runners, baseline, way, body, messages, progress, slow } = plan
  const taken = new Map<Contestant, Reading>()
  const orders = balancedOrders(runners)
  for (const runner of orders[round % orders.length]!) {
    const { contestant, failure } = runner
    if (failure !== undefined) continue
    const reading = await race.measure(runner, way, body, slow.has(contestant) ? fewer(messages) : messages)
    if (reading !== undefined) taken.set(contestant, reading)
    if (runner.failure === undefined) continue
    if (contestant === baseline) throw new Error(`the baseline failed: ${runner.failure}`)
    progress.say(`${contestant.name} is out: ${runner.failure}`)
  }
  return taken
}

async function runLatencies(
  plan: HeatPlan,
  readings: ReadonlyMap<Contestant, readonly Reading[]>,
): Promise<Map<Contestant, Float64Array>> {
  const { race, runners, baseline, way, body, options, progress, mostPerSecond, window } = plan
  const perSecond = Math.min(rateOf(readings.get(baseline)), mostPerSecond) / 2
  const messages = Math.ceil(perSecond * (options.quick ? latencySeconds.quick : latencySeconds.full))
  const load: Load = { perSecond, messages, mostOpen: Math.max(window * 10, messages / 2), deadlineMs: 30_000 }
  const latencies = new Map<Contestant, Float64Array>()
  for (const { contestant, failure } of runners) {
    if (failure !== undefined) continue
    progress.say(`${way} at ${whole(perSecond)} messages/s: ${contestant.name}`)
    // One who cannot bear this load may still win the next heat.
    const attempt: Runner = { contestant }
    const taken = await race.latencies(attempt, way, body, load)
    if (taken !== undefined) latencies.set(contestant, taken)
    else await revive(plan, attempt)
  }
  return latencies
}

function rateOf(readings: readonly Reading[] = []): number {
  return median(readings.map(({ perSecond }) => perSecond))
}

/** Who failed was disconnected: it begins anew. */
async function revive({ race, runners, payload, progress, prefetchFor }: HeatPlan, attempt: Runner): Promise<void> {
  progress.say(`${attempt.contestant.name}: ${attempt.failure}`)
  const runner = runners.find(({ contestant }) => contestant === attempt.contestant) as Runner
  await race.open(runner, prefetchFor(payload))
}

/** The baseline too: what both spend is not Waybill's. */
async function runProfiles(plan: Plan): Promise<Map<Way, Map<string, CpuProfile>>> {
  const { race, runners, options, progress, prefetchFor } = plan
  const payload = mainPayload(options.payloads)
  const body = Buffer.alloc(payload, 'x')
  const messages = messagesFor(payload, options) * 5
  const profiles = new Map<Way, Map<string, CpuProfile>>()
  await reopenAll(race, runners, prefetchFor(payload))
  for (const way of options.ways) {
    const taken = new Map<string, CpuProfile>()
    profiles.set(way, taken)
    for (const runner of runners) {
      const name = `${way}, ${runner.contestant.name}`
      progress.say(`profiling ${name}`)
      const around = <T>(work: () => Promise<T>): Promise<T> =>
        profiled(messages, work, (profile) => taken.set(name, profile))
      await race.profile(runner, way, { body, messages, around })
    }
  }
  return profiles
}
