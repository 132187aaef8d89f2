import { coreHeader } from './core-headers.ts'
import type { WireMessage } from './driver/wire-message.ts'
import type { Task } from './task.ts'

const mostRemembered = 10_000

/** How a run ended whose delivery the broker had taken back. */
type Ending = 'succeeded' | 'failed'

interface Orphan {
  ending: Ending | undefined
  readonly waiting: ((ending: Ending) => void)[]
}

/**
 * Runs that outlive their delivery: the connection or the lease was lost while the handler ran, so the broker delivers
 * the message again. The second delivery waits for the first run, and is accepted without a run of its own when that
 * one succeeded. Within one consumer only: another process knows nothing of it.
 *
 * Conformance: FLT-03, FLT-14.
 */
export class OrphanRuns {
  readonly #orphans = new Map<string, Orphan>()

  /** The task's delivery is lost, its run goes on. */
  add(task: Task): void {
    const identity = identityOf(task.wire)
    if (identity === undefined || this.#orphans.has(identity)) return
    this.#orphans.set(identity, { ending: undefined, waiting: [] })
    if (this.#orphans.size > mostRemembered) this.#orphans.delete(this.#orphans.keys().next().value!)
  }

  /** The run of a lost delivery ended. Without meaning for other tasks. */
  ended(task: Task, ending: Ending): void {
    const identity = identityOf(task.wire)
    const orphan = identity === undefined ? undefined : this.#orphans.get(identity)
    if (orphan === undefined || orphan.ending !== undefined) return
    if (ending === 'failed' || orphan.waiting.length > 0) this.#orphans.delete(identity!)
    orphan.ending = ending
    for (const tell of orphan.waiting) tell(ending)
  }

  /** Whether this delivery is of a message whose earlier run is not, or not yet, known to have failed. */
  has(wire: WireMessage): boolean {
    if (this.#orphans.size === 0) return false
    const identity = identityOf(wire)
    return identity !== undefined && this.#orphans.has(identity)
  }

  /** Calls back with how the earlier run ended, which settles this delivery too when it succeeded. */
  join(wire: WireMessage, tell: (ending: Ending) => void): void {
    const identity = identityOf(wire)!
    const orphan = this.#orphans.get(identity)!
    if (orphan.ending === undefined) return void orphan.waiting.push(tell)
    this.#orphans.delete(identity)
    tell(orphan.ending)
  }
}

/** Of this copy: the next one, made by the run that is waited for, is to have a run of its own. */
function identityOf({ source, id, headers }: WireMessage): string | undefined {
  return id === undefined ? undefined : `${source ?? ''}\n${id}\n${headers[coreHeader.copy] ?? ''}`
}
