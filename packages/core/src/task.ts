import { coreHeader, numberIn } from './core-headers.ts'
import type { Delivery, Settlement } from './driver/driver.ts'
import type { WireMessage } from './driver/wire-message.ts'
import { MessagingError } from './messaging-error.ts'

/** One delivery on its way through a consumer. */
export class Task {
  readonly delivery: Delivery
  readonly wire: WireMessage
  /** Of which of the intake's listeners it is. */
  readonly generation: number
  /** `settled`: the driver has its answer. `held`: not running, waiting for its time. */
  state: 'waiting' | 'running' | 'held' | 'settled' = 'waiting'
  /** Failed runs since it was delivered, kept in memory (held retries). */
  heldRuns = 0
  firstFailureAtMs: number | undefined
  /** Held for its next attempt: until then. */
  dueAtMs = Infinity
  /** Its epoch is over or its lease was taken: nobody listens to its settlement. */
  isLost = false
  /** Messages of its key wait for it. */
  holdsKey = false
  next: Task | undefined
  previous: Task | undefined
  readonly #resolve: (settlement: Settlement) => void
  readonly #countsDeliveries: boolean
  #givenId: string | undefined
  #controller: AbortController | undefined
  #abortReason: MessagingError | undefined

  constructor(
    delivery: Delivery,
    generation: number,
    countsDeliveries: boolean,
    resolve: (settlement: Settlement) => void,
  ) {
    this.delivery = delivery
    this.generation = generation
    this.wire = delivery.message
    this.#countsDeliveries = countsDeliveries
    this.#resolve = resolve
  }

  /** The number of the present run, over all instances, restarts and copies. 1 is the first. */
  get attempt(): number {
    const before = numberIn(this.wire.headers, coreHeader.attempt)
    const deliveries = this.#countsDeliveries ? Math.max(1, this.delivery.deliveries ?? 1) : 1
    return before + deliveries + this.heldRuns
  }

  messageId(nextId: () => string): string {
    return this.wire.id ?? this.givenId(nextId)
  }

  /** For a foreign message that has no id, or none that can be kept: its runs and its copies share it. */
  givenId(nextId: () => string): string {
    this.#givenId ??= nextId()
    return this.#givenId
  }

  /** Made when a handler first looks. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  abort(code: 'leaseLost' | 'timeout' | 'closed', message: string): void {
    if (this.#abortReason !== undefined) return
    this.#abortReason = new MessagingError(code, message)
    this.#controller?.abort(this.#abortReason)
  }

  /** Why the present run was told to stop. */
  get abortReason(): MessagingError | undefined {
    return this.#abortReason
  }

  /** A held task runs again, with a signal of its own. */
  renew(): void {
    this.#controller = undefined
    this.#abortReason = undefined
  }

  settle(settlement: Settlement): void {
    if (this.state === 'settled') return
    this.state = 'settled'
    this.#resolve(settlement)
  }
}

/** The tasks not settled yet. */
export class TaskList {
  first: Task | undefined
  count = 0

  add(task: Task): void {
    task.next = this.first
    if (this.first !== undefined) this.first.previous = task
    this.first = task
    this.count++
  }

  remove(task: Task): void {
    if (task.previous === undefined) this.first = task.next
    else task.previous.next = task.next
    if (task.next !== undefined) task.next.previous = task.previous
    task.previous = undefined
    task.next = undefined
    this.count--
  }

  /** A copy, oldest first, that may be walked while tasks come and go. */
  toArray(): Task[] {
    const tasks: Task[] = []
    for (let task = this.first; task !== undefined; task = task.next) tasks.push(task)
    return tasks.reverse()
  }
}
