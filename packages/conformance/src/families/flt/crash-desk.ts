import { memoryIdempotencyStore } from '@waybill/core'
import type { Kit } from '../../kit.ts'
import type { Work } from '../../programs/worker.ts'
import { type Call, type ServedStore, serveStore } from '../../served-store.ts'
import { withShortLeases } from '../idm/stores.ts'
import { EffectBook, type Run } from './effect-book.ts'

/** Where a process is when it is killed. */
export const crashPoints = [
  'after receive',
  'after claim',
  'mid-handler',
  'before commit',
  'after commit',
  'before acknowledgement',
  'during renew',
  'before release',
  'after release',
] as const

export type CrashPoint = (typeof crashPoints)[number]

/** A claim is renewed every 10 s; what a killed process held is free again this long after. */
const longestLeaseMs = 12_000
/** Long enough that the first renewal comes. */
const untilRenewedMs = 10_500
const crashShare = 0.2

interface DeskOptions {
  /** How often each point is still to be met. */
  readonly left: Map<CrashPoint, number>
  /** Kills this worker now. */
  kill(worker: string, point: CrashPoint): void
}

/**
 * What outlives the killed processes: the claims, and the effects with their transactional inbox. It sees each step of
 * every worker, so it knows where a process is, and has it killed there.
 */
export class CrashDesk {
  readonly book = new EffectBook()
  readonly retentionMs: number
  readonly #options: DeskOptions
  #served: ServedStore | undefined

  constructor(kit: Kit, options: DeskOptions) {
    this.retentionMs = Math.max(kit.capabilities.redeliveryHorizonMs, 600_000)
    this.#options = options
  }

  get url(): string {
    return this.#served?.url ?? ''
  }

  get left(): number {
    return [...this.#options.left.values()].reduce((sum, count) => sum + count, 0)
  }

  async open(): Promise<void> {
    const lasting = memoryIdempotencyStore({ retentionMs: this.retentionMs })
    this.#served = await serveStore({
      store: withShortLeases(lasting, longestLeaseMs),
      answer: async (call) => this.#answer(call),
      reached: (when, call, answer) => this.#lives(call.caller, pointOf(when, call, answer)),
    })
  }

  async close(): Promise<void> {
    await this.#served?.close()
  }

  #answer({ name, caller, body }: Call): Work | boolean {
    const run = { id: (body as { id: string }).id, worker: caller }
    return name === 'work' ? this.#begin(run) : this.book.commit(run)
  }

  #begin(run: Run): Work {
    const { worker } = run
    this.book.begin(run)
    const isSlow = isForRenewal(worker) && this.#wants('during renew')
    const fails = !isForRenewal(worker) && this.#wantsRelease() && Math.random() < crashShare
    if (fails) this.book.fail(run)
    return { forMs: isSlow ? untilRenewedMs : 5, fails }
  }

  #wants(point: CrashPoint): boolean {
    return (this.#options.left.get(point) ?? 0) > 0
  }

  #wantsRelease(): boolean {
    return this.#wants('before release') || this.#wants('after release')
  }

  /** False: the worker is dead, now or since before. */
  #lives(worker: string, point: CrashPoint | undefined): boolean {
    if (this.book.isDead(worker)) return false
    if (point === undefined || !this.#wants(point) || isForRenewal(worker) !== (point === 'during renew')) return true
    if (point !== 'during renew' && Math.random() > crashShare) return true
    this.#options.left.set(point, (this.#options.left.get(point) ?? 0) - 1)
    this.book.died(worker)
    this.#options.kill(worker, point)
    return false
  }
}

/** These live until their first renewal; the others are killed everywhere else. */
export const renewing = 'renewing'

const isForRenewal = (worker: string): boolean => worker.startsWith(renewing)

function pointOf(when: 'before' | 'after', { name }: Call, answer: unknown): CrashPoint | undefined {
  const isBefore = when === 'before'
  switch (name) {
    case 'claim':
      if (isBefore) return 'after receive'
      return (answer as { outcome: string }).outcome === 'acquired' ? 'after claim' : undefined
    case 'work':
      return isBefore ? undefined : 'mid-handler'
    case 'commit':
      return isBefore ? 'before commit' : 'after commit'
    case 'complete':
      return isBefore ? undefined : 'before acknowledgement'
    case 'renew':
      return isBefore ? 'during renew' : undefined
    case 'release':
      return isBefore ? 'before release' : 'after release'
  }
  return undefined
}
