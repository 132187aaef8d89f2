import { systemRuntime } from '@waybill/core/driver'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AllocationCount } from '../src/garbage.ts'
import { MemoryPipeline } from '../src/memory-pipeline.ts'
import { CountingClock } from './counting-clock.ts'
import { promisesIn } from './promise-count.ts'

/** Counts, not times: they are the same on every machine, and so may fail a build. */
const messages = 10_000
/** About 4 MB go with the collection before the count, however many messages follow: 400 bytes each of 10,000. */
const heapMessages = 100_000
const mostClockReads = 2
const mostHeapBytes = 4_096
/** The one that `send` returns, and the one of the benchmark's `then`. */
const mostPromisesSending = 2
/** The delivery's, the handler's own, and one for what follows each of them. */
const mostPromisesReceiving = 4

let clock: CountingClock
let pipeline: MemoryPipeline

beforeEach(async () => {
  clock = new CountingClock()
  const runtime = { ...systemRuntime, clock }
  pipeline = await MemoryPipeline.open({ channels: 1, stages: 8, concurrency: 256, runtime })
})

afterEach(() => pipeline.close())

/** Sends with nobody consuming, then consumes: each direction by itself. What only happens at the start is over. */
async function inBothDirections(
  count: (work: () => Promise<void>) => Promise<number>,
): Promise<{ sending: number; receiving: number }> {
  await pipeline.consume()
  await pipeline.pass(messages)
  await pipeline.withdraw()
  const sending = await count(() => pipeline.send(messages))
  const handled = pipeline.expect(messages)
  const receiving = await count(async () => {
    await pipeline.consume()
    await handled
  })
  return { sending: sending / messages, receiving: receiving / messages }
}

async function counted(work: () => Promise<void>, figure: () => number): Promise<number> {
  clock.reset()
  await work()
  return figure()
}

/** What starting a consumer costs once, shared out: about 40 promises, a timer or two. */
const once = 100 / messages

test('a message through eight stages allocates at most 4 KiB of heap', async () => {
  await pipeline.consume()
  await pipeline.pass(heapMessages * 2)
  const count = new AllocationCount()
  await pipeline.pass(heapMessages)
  expect(count.stop() / heapMessages).toBeLessThanOrEqual(mostHeapBytes)
})

test('a message reads the clock at most twice in each direction', async () => {
  const { sending, receiving } = await inBothDirections((work) => counted(work, () => clock.reads))
  expect.soft(sending).toBeLessThanOrEqual(mostClockReads + once)
  expect.soft(receiving).toBeLessThanOrEqual(mostClockReads + once)
})

test('no message arms a timer', async () => {
  const { sending, receiving } = await inBothDirections((work) => counted(work, () => clock.timers))
  expect.soft(sending).toBeLessThanOrEqual(once)
  expect.soft(receiving).toBeLessThanOrEqual(once)
})

test('promises per message are bounded', async () => {
  const { sending, receiving } = await inBothDirections(promisesIn)
  expect.soft(sending).toBeLessThanOrEqual(mostPromisesSending + once)
  expect.soft(receiving).toBeLessThanOrEqual(mostPromisesReceiving + once)
})
