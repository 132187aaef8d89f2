/**
 * What workers did, in the order in which it was done, kept where it survives them: the effects with their transactional
 * inbox. It is told of each step, so it knows what was done or begun that should not have been.
 */
export class EffectBook {
  /** By the id of the message, which worker did it. */
  readonly effects = new Map<string, string>()
  /** Commits of what was committed before: the inbox has it, so nothing is done. */
  refusedCommits = 0
  /** Those whose first commit was of a worker that was not killed: it completed, so nobody should have run it again. */
  needlessRuns = 0
  /** Runs begun while another run of the same message or key went on in a worker that was not killed. */
  overlaps = 0
  readonly #running = new Map<string, Run>()
  readonly #dead = new Set<string>()

  /** A run begins. `alone`: what no two runs may have at a time, the message itself or its key. */
  begin(run: Run, alone = run.id): void {
    const other = this.#running.get(alone)
    const isOther = other !== undefined && (other.worker !== run.worker || other.id !== run.id)
    if (isOther && !this.#dead.has(other.worker)) this.overlaps++
    this.#running.set(alone, run)
  }

  /** A run ends without an effect. */
  fail({ id }: Run, alone = id): void {
    this.#running.delete(alone)
  }

  /** A run ends with its effect; false: it was done before. */
  commit({ id, worker }: Run, alone = id): boolean {
    this.#running.delete(alone)
    const first = this.effects.get(id)
    if (first === undefined) {
      this.effects.set(id, worker)
      return true
    }
    this.refusedCommits++
    if (!this.#dead.has(first)) this.needlessRuns++
    return false
  }

  /** The worker was killed. */
  died(worker: string): void {
    this.#dead.add(worker)
  }

  isDead(worker: string): boolean {
    return this.#dead.has(worker)
  }
}

export interface Run {
  readonly id: string
  readonly worker: string
}
