import { type CpuProfile, profiled } from './cpu-profile.ts'
import { whole } from './figures.ts'
import { AllocationCount, collectGarbage, settledHeapBytes } from './garbage.ts'
import { MemoryPipeline, type PipelineOptions } from './memory-pipeline.ts'
import { Progress } from './progress.ts'
import { median } from './statistics.ts'
import { Stopwatch } from './stopwatch.ts'

export interface MemoryBenchOptions {
  readonly rounds: number
  readonly messages: number
  readonly quick: boolean
  readonly profile: boolean
}

/** Medians over the rounds. */
export interface Passage {
  readonly title: string
  readonly messages: number
  readonly perSecond: number
  readonly cpuUsEach: number
  /** Allocated on the JavaScript heap, garbage included. */
  readonly heapBytesEach: number
}

export interface Backlog {
  readonly depth: number
  readonly sendUsEach: number
  readonly drainUsEach: number
  /** Kept in memory while it waits: heap and buffers. */
  readonly keptBytesEach: number
}

export interface LongRun {
  readonly messages: number
  readonly perSecond: number
  readonly heapBefore: number
  readonly heapAfter: number
}

export interface MemoryResult {
  readonly options: MemoryBenchOptions
  readonly pipelines: readonly Passage[]
  /** By the number of channels, each with a consumer. */
  readonly widths: readonly Passage[]
  readonly backlogs: readonly Backlog[]
  readonly longRun: LongRun
  readonly profiles: ReadonlyMap<string, CpuProfile>
}

export const fullMemory = { rounds: 21, messages: 200_000, backlogs: [10_000, 100_000, 1_000_000], long: 10_000_000 }
export const quickMemory = { rounds: 5, messages: 100_000, backlogs: [10_000, 100_000], long: 1_000_000 }

const widths = [1, 10, 100, 1_000]
const one: PipelineOptions = { channels: 1, stages: 8, concurrency: 256 }

/** Runs all of it in this process, one after the other. */
export async function benchMemory(options: MemoryBenchOptions): Promise<MemoryResult> {
  const progress = new Progress()
  const { backlogs, long } = options.quick ? quickMemory : fullMemory
  progress.say('warming up')
  for (const aroundSends of [false, true]) await warmUp({ ...one, aroundSends })
  const pipelines = [
    await measurePassage('no middleware', { ...one, stages: 0 }, options, progress),
    await measurePassage('eight stages around the handler', one, options, progress),
    await measurePassage(
      'eight around the handler, eight around the send',
      { ...one, aroundSends: true },
      options,
      progress,
    ),
  ]
  const wide: Passage[] = []
  for (const channels of widths) {
    const title = `${whole(channels)} ${channels === 1 ? 'channel' : 'channels'}`
    wide.push(await measurePassage(title, { ...one, channels, concurrency: 16 }, options, progress))
  }
  const deep: Backlog[] = []
  for (const depth of backlogs) deep.push(await measureBacklog(depth, options, progress))
  const longRun = await measureLongRun(long, progress)
  const profiles = options.profile ? await profilePassage(options, progress) : new Map()
  return { options, pipelines, widths: wide, backlogs: deep, longRun, profiles }
}

/** Compiles what all of them run, so that the first is not measured cold. */
async function warmUp(options: PipelineOptions): Promise<void> {
  const pipeline = await MemoryPipeline.open(options)
  await pipeline.consume()
  await pipeline.pass(100_000)
  await pipeline.close()
}

async function measurePassage(
  title: string,
  pipelineOptions: PipelineOptions,
  { rounds, messages }: MemoryBenchOptions,
  progress: Progress,
): Promise<Passage> {
  progress.say(`${title}: ${rounds} rounds of ${whole(messages)}`)
  const pipeline = await MemoryPipeline.open(pipelineOptions)
  await pipeline.consume()
  const rates: number[] = []
  const cpu: number[] = []
  for (let round = 0; round < rounds; round++) {
    collectGarbage()
    // A collection throws away compiled code and shrinks the heap: both are back when the watch is started.
    await pipeline.pass(Math.ceil(messages / 10))
    const watch = new Stopwatch()
    await pipeline.pass(messages)
    const reading = watch.read(messages)
    if (round < Math.ceil(rounds / 10)) continue
    rates.push(reading.perSecond)
    cpu.push(reading.cpuUsEach)
  }
  const heapBytesEach = await allocatedEach(pipeline, messages)
  await pipeline.close()
  return { title, messages, perSecond: median(rates), cpuUsEach: median(cpu), heapBytesEach }
}

/** In a round of its own: counting is not free. */
async function allocatedEach(pipeline: MemoryPipeline, messages: number): Promise<number> {
  const count = new AllocationCount()
  await pipeline.pass(messages)
  return count.stop() / messages
}

/** As many messages in all for each depth: small backlogs are filled and drained several times. */
async function measureBacklog(depth: number, { quick }: MemoryBenchOptions, progress: Progress): Promise<Backlog> {
  const repeats = Math.max(3, Math.min(20, Math.floor((quick ? 100_000 : 1_000_000) / depth)))
  progress.say(`backlog of ${whole(depth)}, ${repeats} times`)
  const pipeline = await MemoryPipeline.open(one)
  const sends: number[] = []
  const drains: number[] = []
  const kept: number[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const before = keptBytes()
    const sending = performance.now()
    await pipeline.send(depth)
    sends.push(((performance.now() - sending) * 1_000) / depth)
    kept.push((keptBytes() - before) / depth)
    const handled = pipeline.expect(depth)
    const draining = performance.now()
    await pipeline.consume()
    await handled
    drains.push(((performance.now() - draining) * 1_000) / depth)
    await pipeline.withdraw()
  }
  await pipeline.close()
  return { depth, sendUsEach: median(sends), drainUsEach: median(drains), keptBytesEach: median(kept) }
}

function keptBytes(): number {
  settledHeapBytes()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function measureLongRun(messages: number, progress: Progress): Promise<LongRun> {
  const pipeline = await MemoryPipeline.open(one)
  await pipeline.consume()
  await pipeline.pass(100_000)
  const heapBefore = settledHeapBytes()
  const startedAt = performance.now()
  const legs = 10
  for (let leg = 0; leg < legs; leg++) {
    progress.say(`${whole(messages)} in a row: ${leg * 10}%`)
    await pipeline.pass(messages / legs)
  }
  const perSecond = (messages / (performance.now() - startedAt)) * 1_000
  const heapAfter = settledHeapBytes()
  await pipeline.close()
  return { messages, perSecond, heapBefore, heapAfter }
}

async function profilePassage({ messages }: MemoryBenchOptions, progress: Progress): Promise<Map<string, CpuProfile>> {
  progress.say('profiling')
  const profiles = new Map<string, CpuProfile>()
  const pipeline = await MemoryPipeline.open(one)
  await pipeline.consume()
  await pipeline.pass(messages)
  const profiledMessages = messages * 5
  await profiled(
    profiledMessages,
    () => pipeline.pass(profiledMessages),
    (profile) => profiles.set('eight stages around the handler', profile),
  )
  await pipeline.close()
  return profiles
}
