import type { Clock, Timer } from '@waybill/core/driver'
import type { PartitionOffset } from './kafka-client.ts'
import type { PartitionIntake } from './kafka-partition.ts'

export interface CommitterOptions {
  readonly clock: Clock
  readonly partitions: () => readonly PartitionIntake[]
  readonly commit: (offsets: readonly PartitionOffset[]) => Promise<void>
  readonly onFailed: (error: unknown) => void
}

/** What is settled within so long after a commit goes with the next one. */
const everyMs = 10

/** Commits what partitions say is settled: one commit after the other, each with all that there is. */
export class Committer {
  readonly #options: CommitterOptions
  #timer: Timer | undefined
  /** Something was settled since the last commit. */
  #isDue = false
  #committing: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** At once, and what is settled within the next moment together. */
  soon(): void {
    if (this.#isOver) return
    this.#isDue = true
    if (this.#timer !== undefined) return
    this.#timer = this.#options.clock.after(everyMs, () => {
      this.#timer = undefined
      if (this.#isDue) this.soon()
    })
    queueMicrotask(() => {
      this.#isDue = false
      void this.flush(this.#options.partitions()).catch(() => {})
    })
  }

  /** Resolves once all that is settled by now is committed. */
  flush(partitions: readonly PartitionIntake[]): Promise<void> {
    const flushed = this.#committing.then(() => this.#commit([...partitions]))
    this.#committing = flushed.catch(() => {})
    return flushed
  }

  /** Nothing more is begun. */
  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  async #commit(partitions: readonly PartitionIntake[]): Promise<void> {
    const due = partitions.flatMap((partition) => {
      const offset = partition.uncommitted
      return offset === undefined ? [] : [{ partition, offset }]
    })
    if (due.length === 0 || this.#isOver) return
    try {
      await this.#options.commit(due.map(({ offset }) => offset))
      for (const { partition, offset } of due) partition.committed(offset)
    } catch (error) {
      if (this.#isOver) return
      this.#options.onFailed(error)
      throw error
    }
  }
}
