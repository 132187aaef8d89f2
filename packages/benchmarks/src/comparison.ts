import { randomBytes } from 'node:crypto'
import { balancedOrders } from './balanced-orders.ts'
import { BrokerAdmin } from './broker-admin.ts'
import type { Contestant } from './contestant.ts'
import { type CpuProfile, profiled } from './cpu-profile.ts'
import type { Load } from './latency.ts'
import { payloadSize, whole } from './figures.ts'
import { versionOf } from './machine.ts'
import { PeerAmqpConnectionManager } from './peer-amqp-connection-manager.ts'
import { PeerNestjs } from './peer-nestjs.ts'
import { PeerRabbitmqClient } from './peer-rabbitmq-client.ts'
import { PeerRascal } from './peer-rascal.ts'
import { Progress } from './progress.ts'
import { Race, reasonOf, type Runner, type Way, ways } from './race.ts'
import {
  mainPayload,
  messagesFor,
  prefetch,
  prefetchFor,
  type RabbitmqBenchOptions,
  warmUpRounds,
  window,
} from './rabbitmq-options.ts'
import { RawAmqplib } from './raw-amqplib.ts'
import { median } from './statistics.ts'
import type { Reading } from './stopwatch.ts'
import { WaybillRabbitmq } from './waybill-rabbitmq.ts'
import { type Capture, captureWire } from './wire-capture.ts'

/** All readings of one payload in one direction, round by round, the warm-up left out. */
export interface Heat {
  readonly way: Way
  readonly payload: number
  readonly messages: number
  readonly readings: ReadonlyMap<Contestant, readonly Reading[]>
  /** Milliseconds at half of the baseline's rate; only at the main payload. */
  readonly latencies: ReadonlyMap<Contestant, Float64Array>
}

export interface RabbitmqResult {
  readonly options: RabbitmqBenchOptions
  readonly brokerVersion: string
  readonly capture: Capture
  readonly baseline: Contestant
  /** The baseline once more: what differs between the two is the error of the method. */
  readonly control: Contestant
  readonly runners: readonly Runner[]
  readonly heats: readonly Heat[]
  readonly profiles: ReadonlyMap<string, CpuProfile>
  /** Thrown past every handler, by whichever library. */
  readonly strayErrors: readonly string[]
}

const latencySeconds = { full: 3, quick: 0.5 }

/** Runs the whole comparison on one broker. */
export async function benchRabbitmq(options: RabbitmqBenchOptions): Promise<RabbitmqResult> {
  const progress = new Progress()
  const channelName = `bench-${randomBytes(4).toString('hex')}`
  progress.say('comparing what Waybill and the baseline write, byte by byte')
  const capture = await captureWire(options.url, channelName, prefetch)
  const admin = await BrokerAdmin.open(options.url)
  const baseline = new RawAmqplib()
  const control = new RawAmqplib('amqplib, by hand, again')
  const filler = new RawAmqplib('filler')
  const waybill = new WaybillRabbitmq(channelName)
  const peers = [new PeerRabbitmqClient(), new PeerAmqpConnectionManager(), new PeerRascal(), new PeerNestjs()]
  const runners: Runner[] = [baseline, waybill, control, ...peers].map((contestant) => ({ contestant }))
  const { course } = capture
  // The two messages that were compared.
  await admin.purge(course.queue)
  const race = new Race({ course, admin, window, filler, deadlineMs: options.quick ? 30_000 : 120_000 })
  const strayErrors: string[] = []
  const onStray = (error: unknown): void => {
    strayErrors.push(reasonOf(error))
    progress.say(`a library threw where nobody could catch it: ${reasonOf(error)}`)
  }
  process.on('uncaughtException', onStray).on('unhandledRejection', onStray)
  try {
    await filler.open(course)
    for (const runner of runners) {
      if (versionOf(runner.contestant.packageName) === undefined) runner.failure = 'not installed'
    }
    await openAll(race, runners, prefetch)
    for (const { contestant, failure } of runners) {
      if (failure !== undefined) progress.say(`${contestant.name} is out: ${failure}`)
    }
    const heats: Heat[] = []
    for (const payload of options.payloads) {
      let published = Infinity
      for (const way of ways) {
        const plan = { race, runners, baseline, way, payload, options, progress, mostPerSecond: published }
        const heat = await runHeat(plan)
        heats.push(heat)
        published = rateOf(heat.readings.get(baseline))
      }
    }
    const compared = runners.filter(({ contestant }) => contestant === waybill || contestant === baseline)
    const profiles = options.profile ? await runProfiles(race, compared, options, progress) : new Map()
    return { options, brokerVersion: admin.version, capture, baseline, control, runners, heats, profiles, strayErrors }
  } finally {
    await closeAll(race, runners)
    await filler.close().catch(() => {})
    await admin.remove([...capture.queues, course.queue], capture.exchanges)
    await admin.close()
    process.off('uncaughtException', onStray).off('unhandledRejection', onStray)
  }
}

interface HeatPlan {
  readonly race: Race
  readonly runners: readonly Runner[]
  readonly baseline: Contestant
  readonly way: Way
  readonly payload: number
  readonly options: RabbitmqBenchOptions
  readonly progress: Progress
  /** What the baseline was able to publish, which feeds those who consume. */
  readonly mostPerSecond: number
}

async function runHeat(plan: HeatPlan): Promise<Heat> {
  const { race, runners, way, payload, options, progress } = plan
  const messages = messagesFor(payload, options)
  const body = Buffer.alloc(payload, 'x')
  const readings = new Map<Contestant, Reading[]>(runners.map(({ contestant }) => [contestant, []]))
  const discarded = warmUpRounds(options.rounds)
  for (let round = 0; round < options.rounds; round++) {
    await reopenAll(race, runners, prefetchFor(payload))
    const taken = await runRound(plan, round, body, messages)
    if (round >= discarded) for (const [contestant, reading] of taken) readings.get(contestant)?.push(reading)
    progress.say(`${way} ${payloadSize(payload)}: round ${round + 1} of ${options.rounds}`)
  }
  const latencies = payload === mainPayload(options.payloads) ? await runLatencies(plan, body, readings) : new Map()
  return { way, payload, messages, readings, latencies }
}

async function openAll(race: Race, runners: readonly Runner[], prefetch: number): Promise<void> {
  for (const runner of runners) if (runner.failure === undefined) await race.open(runner, prefetch)
}

async function closeAll(race: Race, runners: readonly Runner[]): Promise<void> {
  for (const runner of runners) await race.close(runner)
}

/** One connection can be luckier than another in the kernel and the broker for as long as it lives: each round has new ones. */
async function reopenAll(race: Race, runners: readonly Runner[], prefetch: number): Promise<void> {
  await closeAll(race, runners)
  await openAll(race, runners, prefetch)
}

/** Each runs all of its messages in one go, in an order of the round's own. */
async function runRound(
  { race, runners, baseline, way, progress }: HeatPlan,
  round: number,
  body: Buffer,
  messages: number,
): Promise<Map<Contestant, Reading>> {
  const taken = new Map<Contestant, Reading>()
  const orders = balancedOrders(runners)
  for (const runner of orders[round % orders.length]!) {
    const wasOut = runner.failure !== undefined
    const reading = await race.measure(runner, way, body, messages)
    if (reading !== undefined) taken.set(runner.contestant, reading)
    if (runner.failure === undefined || wasOut) continue
    if (runner.contestant === baseline) throw new Error(`the baseline failed: ${runner.failure}`)
    progress.say(`${runner.contestant.name} is out: ${runner.failure}`)
  }
  return taken
}

async function runLatencies(
  plan: HeatPlan,
  body: Buffer,
  readings: ReadonlyMap<Contestant, readonly Reading[]>,
): Promise<Map<Contestant, Float64Array>> {
  const { race, runners, baseline, way, options, progress, mostPerSecond } = plan
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
async function revive({ race, runners, payload, progress }: HeatPlan, attempt: Runner): Promise<void> {
  progress.say(`${attempt.contestant.name}: ${attempt.failure}`)
  const runner = runners.find(({ contestant }) => contestant === attempt.contestant) as Runner
  await race.open(runner, prefetchFor(payload))
}

/** The baseline too: what both spend is not Waybill's. */
async function runProfiles(
  race: Race,
  runners: readonly Runner[],
  options: RabbitmqBenchOptions,
  progress: Progress,
): Promise<Map<string, CpuProfile>> {
  const payload = mainPayload(options.payloads)
  const body = Buffer.alloc(payload, 'x')
  const messages = messagesFor(payload, options) * 5
  const profiles = new Map<string, CpuProfile>()
  await reopenAll(race, runners, prefetchFor(payload))
  for (const way of ways) {
    for (const runner of runners) {
      const name = `${way}, ${runner.contestant.name}`
      progress.say(`profiling ${name}`)
      const around = <T>(work: () => Promise<T>): Promise<T> =>
        profiled(work, (functions) => profiles.set(name, { messages, functions }))
      await race.profile(runner, way, { body, messages, around })
    }
  }
  return profiles
}
