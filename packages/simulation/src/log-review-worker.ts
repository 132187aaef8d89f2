import { parentPort, workerData } from 'node:worker_threads'
import { patchModules } from '@waybill/source-patch'
import type { ReviewShare } from './simulated-review.ts'

const { firstSeed, seeds, patches } = workerData as ReviewShare

patchModules(new URL('../../../', import.meta.url), patches)
// Only now, so that the patches are in.
const { LogRecorder } = await import('./log-recorder.ts')
const { LogReviewer } = await import('./log-review.ts')
const { makeSchedule } = await import('./schedule-maker.ts')
const { simulate } = await import('./simulation.ts')

/** The longest way through the simulated network, and a moment; what a simulated listener gives those that run. */
const reviewer = new LogReviewer({ graceMs: 60, finishMs: 3_000 })
for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
  const recorder = new LogRecorder()
  await simulate(makeSchedule(seed, 'log'), { traced: false, recorder })
  reviewer.look(`seed ${seed}`, recorder.events)
}
parentPort?.postMessage(reviewer.review)
