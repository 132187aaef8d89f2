import { deepEqual, equal, fail } from 'node:assert/strict'
import type { Handler, HandlerContext, Message } from '@waybill/core'
import { eventually, monotonicMs } from './time.ts'

/** One run of a handler. */
export interface Run<D = unknown> {
  readonly member: string
  readonly channel: string
  readonly group: string | undefined
  readonly id: string
  readonly attempt: number
  readonly message: Message<D>
  readonly data: D
  /** Monotonic milliseconds. */
  readonly startedAt: number
  endedAt: number | undefined
  outcome: 'running' | 'done' | 'threw'
}

/** What became of a set of messages, in the words of Jepsen's total-queue checker. Counts of messages, not of runs. */
export interface Tally {
  readonly expected: number
  readonly ok: number
  readonly lost: readonly string[]
  /** Ids with more than one finished run. */
  readonly duplicated: readonly string[]
  /** Ids that were handled and never expected. */
  readonly unexpected: readonly string[]
}

/**
 * Every run of every handler made with it: duplicates, strays, times and attempts. Assertions look at all of it.
 *
 * One record per question, usually per group; several members may share one.
 */
export class DeliveryRecord<D = unknown> {
  readonly name: string
  readonly runs: Run<D>[] = []
  /** Of the runs that ended without a throw: looked at often while a case waits. */
  readonly #doneIds = new Set<string>()
  readonly #waitMs: number
  readonly #signal: AbortSignal

  constructor(name: string, waitMs: number, signal: AbortSignal) {
    this.name = name
    this.#waitMs = waitMs
    this.#signal = signal
  }

  /** A handler that records the run around `inner`. `member` tells instances apart. */
  handler(inner: Handler<D> = async () => {}, member = '1'): Handler<D> {
    return async (data: D, context: HandlerContext<D>) => {
      const run = this.#begin(data, context, member)
      try {
        await inner(data, context)
        run.outcome = 'done'
        this.#doneIds.add(run.id)
      } catch (error) {
        run.outcome = 'threw'
        throw error
      } finally {
        run.endedAt = monotonicMs()
      }
    }
  }

  #begin(data: D, { message, channel, group, attempt }: HandlerContext<D>, member: string): Run<D> {
    const startedAt = monotonicMs()
    const run: Run<D> = {
      ...{ member, channel, group, id: message.id, attempt, message, data, startedAt },
      endedAt: undefined,
      outcome: 'running',
    }
    this.runs.push(run)
    return run
  }

  /** The runs that ended without a throw. */
  get done(): readonly Run<D>[] {
    return this.runs.filter(({ outcome }) => outcome === 'done')
  }

  of(id: string): readonly Run<D>[] {
    return this.runs.filter((run) => run.id === id)
  }

  attemptsOf(id: string): readonly number[] {
    return this.of(id).map(({ attempt }) => attempt)
  }

  /** Resolves once at least `count` runs have begun. */
  async untilRuns(count: number, withinMs = this.#waitMs): Promise<void> {
    await this.#until(
      `${count} runs`,
      () => this.runs.length >= count,
      () => `${this.runs.length}`,
      withinMs,
    )
  }

  /** Resolves once each of `ids` has had a run that ended well. */
  async untilDone(ids: Iterable<string>, withinMs = this.#waitMs): Promise<void> {
    let missing = [...ids]
    const count = missing.length
    const what = `${count} messages handled`
    const reached = (): boolean => {
      missing = missing.filter((id) => !this.#doneIds.has(id))
      return missing.length === 0
    }
    await this.#until(what, reached, () => `${count - missing.length}`, withinMs)
  }

  async #until(what: string, reached: () => boolean, now: () => string, withinMs: number): Promise<void> {
    const look = (): true => reached() || fail(`${now()} so far; ${this}`)
    await eventually(`${this.name}: ${what}`, look, { withinMs, signal: this.#signal })
  }

  /** Compares what was handled with what should have been. */
  tally(ids: Iterable<string>): Tally {
    const expected = new Set(ids)
    const times = new Map<string, number>()
    for (const { id } of this.done) times.set(id, (times.get(id) ?? 0) + 1)
    return {
      expected: expected.size,
      ok: [...expected].filter((id) => times.has(id)).length,
      lost: [...expected].filter((id) => !times.has(id)),
      duplicated: [...times].filter(([, count]) => count > 1).map(([id]) => id),
      unexpected: [...new Set(this.runs.map(({ id }) => id))].filter((id) => !expected.has(id)),
    }
  }

  /** Each of `ids` was handled exactly once, by a first and only run, and nothing else came. */
  expectOnce(ids: Iterable<string>): void {
    const expected = [...ids]
    const { lost, duplicated, unexpected } = this.tally(expected)
    deepEqual({ lost, duplicated, unexpected }, { lost: [], duplicated: [], unexpected: [] }, `${this}`)
    equal(this.runs.length, expected.length, `${this.name}: runs in all, reruns included\n${this}`)
  }

  /** Each of `ids` was handled at least once and nothing else came. Answers how many had more than one finished run. */
  expectAll(ids: Iterable<string>): number {
    const { lost, duplicated, unexpected } = this.tally(ids)
    deepEqual({ lost, unexpected }, { lost: [], unexpected: [] }, `${this}`)
    return duplicated.length
  }

  /** The largest number of runs at one time, over all or over those of one `by`. */
  maxConcurrent(by: (run: Run<D>) => unknown = () => 0): number {
    const edges = this.runs.flatMap((run) => [
      { at: run.startedAt, step: 1, of: by(run) },
      { at: run.endedAt ?? Infinity, step: -1, of: by(run) },
    ])
    edges.sort((a, b) => a.at - b.at || a.step - b.step)
    const running = new Map<unknown, number>()
    let most = 0
    for (const { step, of } of edges) {
      const now = (running.get(of) ?? 0) + step
      running.set(of, now)
      most = Math.max(most, now)
    }
    return most
  }

  /** What finished, in the order of beginning, apart for each `by`. */
  inOrder<K>(by: (run: Run<D>) => K): Map<K, D[]> {
    const groups = new Map<K, D[]>()
    for (const run of this.done) {
      const data = groups.get(by(run))
      if (data === undefined) groups.set(by(run), [run.data])
      else data.push(run.data)
    }
    return groups
  }

  toString(): string {
    const first = this.runs[0]?.startedAt ?? 0
    const lines = this.runs.slice(0, 40).map((run) => {
      const times = `${Math.round(run.startedAt - first)}–${run.endedAt === undefined ? '' : Math.round(run.endedAt - first)} ms`
      return `  ${run.id} attempt ${run.attempt} by ${run.member}, ${times}, ${run.outcome}`
    })
    const more = this.runs.length > 40 ? [`  … ${this.runs.length - 40} more`] : []
    return [`${this.name}: ${this.runs.length} runs`, ...lines, ...more].join('\n')
  }
}
