import { Worker } from 'node:worker_threads'
import type { SourcePatch } from '@waybill/source-patch'
import type { LogReview } from './log-review.ts'

/** What a worker is started with. */
export interface ReviewShare {
  readonly firstSeed: number
  readonly seeds: number
  /** Changes of the simulated broker, or of the core. */
  readonly patches: readonly SourcePatch[]
}

const workerFile = new URL('./log-review-worker.ts', import.meta.url)

/** Runs schedules of the profile `log` with the recorder at their drivers, and reviews what it wrote down. */
export function reviewSimulations({ firstSeed, seeds, patches = [] }: ReviewRequest): Promise<LogReview> {
  const share: ReviewShare = { firstSeed, seeds, patches }
  const worker = new Worker(workerFile, { workerData: share, execArgv: ['--conditions=@waybill/source'] })
  return new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error('the worker ended without an answer')))
  })
}

export interface ReviewRequest extends Omit<ReviewShare, 'patches'> {
  readonly patches?: readonly SourcePatch[]
}
