import { Worker } from 'node:worker_threads'
import type { SourcePatch } from '@waybill/source-patch'
import type { ProfileName } from './profile-name.ts'
import { realMs } from './real-world.ts'
import type { Violation } from './violation.ts'

export interface CampaignOptions {
  readonly firstSeed: number
  readonly seeds: number
  /** Default: each kind in turn. */
  readonly profile?: ProfileName | undefined
  readonly workers: number
  /** Ends with the first seed that fails. */
  readonly stopsAtFirst?: boolean
  readonly patch?: SourcePatch
  /** Leaves out the shrinking of what fails. */
  readonly isBrief?: boolean
  /** Told about once a second. */
  readonly onProgress?: (done: number) => void
}

/** A seed that failed, with what is needed to look into it. */
export interface FailedSeed {
  readonly seed: number
  readonly profile: ProfileName
  readonly violation: Violation
  /** Steps that it fails without, by number. */
  readonly without: readonly number[]
  readonly story: string
}

export interface CampaignResult {
  readonly done: number
  readonly failed: readonly FailedSeed[]
  readonly seconds: number
  /** Of processor time, by all workers together. */
  readonly cpuSeconds: number
}

/** What a worker is started with. */
export interface CampaignShare {
  readonly firstSeed: number
  readonly seeds: number
  /** From one seed of this worker to the next. */
  readonly stride: number
  readonly profile: ProfileName | undefined
  readonly patch: SourcePatch | undefined
  /** Leave shrinking out. */
  readonly isBrief: boolean
}

export type CampaignNews =
  | { readonly kind: 'done'; readonly count: number }
  | { readonly kind: 'failed'; readonly failed: FailedSeed }

const workerFile = new URL('./campaign-worker.ts', import.meta.url)
const mostFailures = 10

/** Runs many seeds, on several threads; each thread has a core of its own, so that no simulation sees another. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { firstSeed, seeds, profile, patch, stopsAtFirst = false, isBrief = false, onProgress } = options
  const startedAtMs = realMs()
  const cpuBefore = process.cpuUsage()
  const failed: FailedSeed[] = []
  let done = 0
  const workers: Worker[] = []
  const count = Math.max(1, Math.min(options.workers, seeds))
  const hear = (news: CampaignNews): void => {
    if (news.kind === 'done') done += news.count
    else failed.push(news.failed)
    onProgress?.(done)
    const isEnough = stopsAtFirst ? failed.length > 0 : failed.length >= mostFailures
    if (isEnough) for (const worker of workers) void worker.terminate()
  }
  const shares = Array.from({ length: count }, (_, index) => ({
    firstSeed: firstSeed + index,
    seeds: Math.floor((seeds - index - 1) / count) + 1,
    stride: count,
    profile,
    patch,
    isBrief,
  }))
  await Promise.all(shares.map((share) => runShare(share, workers, hear)))
  const { user, system } = process.cpuUsage(cpuBefore)
  failed.sort((a, b) => a.seed - b.seed)
  return { done, failed, seconds: (realMs() - startedAtMs) / 1_000, cpuSeconds: (user + system) / 1e6 }
}

function runShare(share: CampaignShare, workers: Worker[], hear: (news: CampaignNews) => void): Promise<void> {
  const worker = new Worker(workerFile, {
    workerData: share,
    // From source, whatever was built: that is what a patch changes and a stack trace names.
    execArgv: ['--conditions=@waybill/source'],
    // Simulations leave much garbage and keep nothing: collecting it seldom is cheaper.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  })
  workers.push(worker)
  worker.on('message', hear)
  return new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}
