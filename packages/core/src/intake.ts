import type { Attachment, Connection } from './connection.ts'
import { coreHeader, numberIn } from './core-headers.ts'
import { withDeadline } from './deadline.ts'
import { Deque } from './deque.ts'
import { backoffMs } from './driver/backoff.ts'
import type { Delivery, DriverConnection, Lease, Listener, ListenRequest, Settlement } from './driver/driver.ts'
import { KeyedSerialQueue } from './driver/keyed-serial-queue.ts'
import { closedError } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import type { OrphanRuns } from './orphan-runs.ts'
import { Task, TaskList } from './task.ts'
import { wrapError } from './wrap-error.ts'

export interface IntakeOptions {
  readonly connection: Connection
  /** What to listen to, `maxInFlight` aside: the group, and its delay lanes where retries use them. */
  readonly requests: readonly Omit<ListenRequest, 'maxInFlight'>[]
  readonly concurrency: number
  /** How many deliveries may be unsettled for so many running. */
  readonly window: (concurrency: number) => number
  /** Makes the group exist again before listening again: somebody may have deleted it. */
  readonly provision: () => Promise<unknown>
  /** Starts a task, whose turn it is. Must end in `finish` or `hold`. Never throws. */
  readonly run: (task: Task) => void
  /** Told of each delivery once, when it may run. */
  readonly received: ((task: Task) => void) | undefined
  /** Runs now what was collected: the intake ends. */
  readonly flush: () => void
  /** Releases what was collected and never ran: the intake pauses. */
  readonly giveBack: () => void
  /** A message waits for another of its key. */
  readonly onKeyWaits: () => void
  /** A message came before it is due: true when it was sent back to wait, false to hold it here. */
  readonly delay: (task: Task, remainingMs: number) => boolean
  /** Deliveries may have been missed. */
  readonly onGap: () => void
  readonly orphans: OrphanRuns
}

/**
 * Deliveries in, settlements out: the flow of one consumer over all epochs.
 *
 * At most `concurrency` tasks run; of one key one at a time; what cannot be finished is given back. Conformance: FLW-01,
 * FLW-06, FLW-07, ORD-01 to ORD-04, LIF-04, SET-07, SET-15, FLT-11.
 */
export class Intake implements Attachment {
  concurrency: number
  readonly #options: IntakeOptions
  readonly #keyed: boolean
  readonly #open = new TaskList()
  readonly #keys = new KeyedSerialQueue<Task>()
  readonly #ready = new Deque<Task>()
  #running = 0
  #pumping = false
  #paused = false
  /** A temporary group was lost and is not listened to again. */
  #hasGap = false
  #stopping = false
  /** Stopped: a listener that was still being opened may deliver for a moment. */
  #stopped = false
  #connection: DriverConnection | undefined
  #listeners: Listener[] = []
  /** The last one seen, which is the next one's too on most brokers. */
  #lease: Lease | undefined
  /** Deliveries of several partitions come in turns; each lease is subscribed to once. */
  readonly #watched = new WeakSet<Lease>()
  #generation = 0
  /** Generations whose listeners are not all there yet, and may deliver already. */
  readonly #opening = new Set<number>()
  /** All earlier listeners of this epoch are gone. */
  #withdrawn: Promise<unknown> = Promise.resolve()
  #started: { resolve: () => void; reject: (error: unknown) => void } | undefined
  #idle: (() => void)[] = []

  constructor(options: IntakeOptions) {
    this.#options = options
    this.concurrency = options.concurrency
    this.#keyed = options.requests.some(({ order }) => order === 'key')
  }

  /** Resolves once deliveries of what is sent from now on are certain. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject }
      this.#options.connection.attach(this)
    })
  }

  get isStopping(): boolean {
    return this.#stopping
  }

  /** What never started goes back to the group. */
  get isGivingBack(): boolean {
    return this.#paused && !this.#isTemporary && !this.#finishesKeyed
  }

  /** Nothing can start before something ends: all that was delivered runs, or waits for its key. */
  get waitsForKeys(): boolean {
    return this.#ready.length === 0 && this.#keys.size > 0
  }

  attach(connection: DriverConnection): void {
    this.#connection = connection
    if (!this.#paused && !this.#stopping) void this.#listen(connection, ++this.#generation)
  }

  detach(): void {
    this.#connection = undefined
    this.#listeners = []
    this.#generation++
    this.#withdrawn = Promise.resolve()
    for (const task of this.#open.toArray()) this.#lose(task)
    if (this.#started === undefined) this.#miss()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    if (this.#isTemporary) return
    void this.#withdraw()
    if (this.isGivingBack) this.#options.giveBack()
    else this.#options.flush()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#connection !== undefined && this.#listeners.length === 0) void this.#listenAgain(this.#connection)
    this.#pump()
  }

  setConcurrency(concurrency: number): void {
    const isOtherWindow = this.#options.window(concurrency) !== this.#options.window(this.concurrency)
    this.concurrency = concurrency
    if (isOtherWindow && !this.#paused && !this.#isTemporary && this.#connection !== undefined) {
      void this.#withdraw()
      void this.#listenAgain(this.#connection)
    }
    this.#pump()
  }

  /** The task is done: its key and its place are free. */
  finish(task: Task, settlement: Settlement): void {
    if (task.state === 'running') this.#running--
    // Its redelivery waits for this: an accept means handled, or handed over as a copy.
    if (task.isLost) this.#options.orphans.ended(task, settlement.kind === 'accept' ? 'succeeded' : 'failed')
    this.#close(task, settlement)
    this.#pump()
  }

  /** The task gives up its place, keeps its key, and runs again after the delay. */
  hold(task: Task, delayMs: number): void {
    if (task.state === 'running') this.#running--
    task.state = 'held'
    this.#options.connection.timers.after(delayMs, () => {
      if (task.state !== 'held') return
      if (task.isLost || this.#stopping) return this.finish(task, { kind: 'release' })
      task.renew()
      task.state = 'waiting'
      this.#ready.unshift(task)
      this.#pump()
    })
    this.#pump()
  }

  /** Resolves once no task is open. */
  idle(): Promise<void> {
    if (this.#open.count === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** The tasks open now, for whoever waits for just these. */
  openNow(): readonly Task[] {
    return this.#open.toArray()
  }

  /** Stops the intake, lets what runs finish until `drainMs`, gives back the rest. Conformance: LIF-03 to LIF-05. */
  async stop(drainMs: number): Promise<void> {
    const { connection } = this.#options
    const { clock } = connection.runtime
    this.#stopping = true
    this.#started?.reject(closedError('the consumer'))
    this.#started = undefined
    const withdrawn = this.#withdraw()
    this.#options.flush()
    this.#releaseHeld()
    const graceMs = Math.min(250, drainMs / 4)
    const late = () => new MessagingError('timeout', 'draining took too long')
    const drained = withDeadline(Promise.all([this.idle(), withdrawn]), drainMs - graceMs, clock, late)
    await drained.catch(() => this.#abortRunning(graceMs))
    connection.detach(this)
    this.#stopped = true
    for (const task of this.#open.toArray()) this.#close(task, { kind: 'release' })
  }

  /** Past the deadline: tells those that run to stop, waits a moment more, then gives their messages back. */
  async #abortRunning(graceMs: number): Promise<void> {
    const { clock } = this.#options.connection.runtime
    for (const task of this.#open.toArray())
      task.abort('closed', 'the consumer was closed and its time to drain is over')
    const late = () => new MessagingError('timeout', 'a handler did not stop in time')
    await withDeadline(this.idle(), graceMs, clock, late).catch(() => {})
    for (const task of this.#open.toArray()) this.#close(task, { kind: 'release' })
  }

  get #isTemporary(): boolean {
    return this.#options.requests.some(({ temporary }) => temporary)
  }

  /** Ends the listeners; what never started goes back, what runs may finish. */
  async #withdraw(): Promise<void> {
    const listeners = this.#listeners
    this.#listeners = []
    this.#generation++
    const drained = Promise.allSettled(listeners.map((listener) => listener.drain()))
    this.#withdrawn = Promise.all([this.#withdrawn, drained])
    if (!this.#finishesKeyed) this.#releaseUnstarted(this.#generation)
    const failed = (await drained).find((each) => each.status === 'rejected')
    if (failed !== undefined && this.#connection !== undefined) this.#fault(failed.reason, 'cannot stop listening to')
  }

  /**
   * After a withdrawal, in the same epoch. What still runs need not end first, however long that takes, except where
   * two listeners of one consumer are one too many, or the first one's prefix holds up what the second is given.
   */
  async #listenAgain(connection: DriverConnection): Promise<void> {
    const generation = this.#generation
    const { settlement, membersPerGroup } = this.#options.connection.driver.capabilities
    if (settlement === 'cumulative' || membersPerGroup === 1) await this.#withdrawn
    if (this.#generation === generation) this.attach(connection)
  }

  /** Brokers that cannot hand back keyed messages without upsetting their order have them finished. */
  get #finishesKeyed(): boolean {
    return this.#keyed && this.#options.connection.driver.capabilities.drainKeyed === 'finish'
  }

  /** Who waits for its next attempt need not wait here. */
  #releaseHeld(): void {
    for (const task of this.#open.toArray()) if (task.state === 'held') this.#close(task, { kind: 'release' })
  }

  /**
   * Only of listeners that drain: one that is still being opened would be given the message again at once, behind
   * others of its key. Its turn comes when it is open.
   */
  #releaseUnstarted(generation: number): void {
    for (const task of this.#open.toArray()) {
      if (task.state === 'running' || task.generation > generation || this.#opening.has(task.generation)) continue
      this.#close(task, { kind: 'release' })
    }
  }

  async #listen(connection: DriverConnection, generation: number): Promise<void> {
    this.#opening.add(generation)
    await this.#openListeners(connection, generation)
    this.#opening.delete(generation)
    if (this.#generation !== generation && !this.#finishesKeyed) this.#releaseUnstarted(generation)
  }

  async #openListeners(connection: DriverConnection, generation: number): Promise<void> {
    for (let attempt = 1; this.#generation === generation; attempt++) {
      try {
        if (attempt > 1) await this.#options.provision()
        const maxInFlight = this.#options.window(this.concurrency)
        for (const request of this.#options.requests) {
          const onDelivery = (delivery: Delivery) => this.#onDelivery(delivery, generation)
          const listener = await connection.listen({ ...request, maxInFlight }, onDelivery)
          if (this.#generation !== generation) return void listener.drain().catch(() => {})
          this.#listeners.push(listener)
          void listener.ended.then((error) => this.#onEnded(listener, connection, error))
        }
        this.#started?.resolve()
        this.#started = undefined
        this.#resumeAfterGap()
        return
      } catch (error) {
        if (this.#generation !== generation) return
        const wrapped = this.#describe(error, 'cannot listen to')
        if (this.#started !== undefined && !wrapped.retryable) {
          this.#started.reject(wrapped)
          this.#started = undefined
          this.#generation++
          return
        }
        this.#options.connection.fault(wrapped, this.#about)
        await this.#sleep(backoffMs(attempt + 1, this.#options.connection.runtime.random))
      }
    }
  }

  /** A temporary group is gone with its listener: from now on messages are missed. */
  #miss(): void {
    if (this.#hasGap || !this.#isTemporary) return
    this.#hasGap = true
    this.#tellGap()
  }

  /** Listening again. Told once more before anything new is handled: a copy made meanwhile may be out of date as well. */
  #resumeAfterGap(): void {
    if (!this.#hasGap) return
    this.#tellGap()
    this.#hasGap = false
    this.#pump()
  }

  #tellGap(): void {
    try {
      this.#options.onGap()
    } catch (error) {
      this.#fault(error, 'onGap threw for')
    }
  }

  /** Cancelled by the broker, or crashed: everything it delivered is void. */
  #onEnded(listener: Listener, connection: DriverConnection, error: unknown): void {
    if (!this.#listeners.includes(listener) || this.#connection !== connection) return
    this.#fault(error ?? new Error('cancelled by the broker'), 'no longer listening to')
    const others = this.#listeners.filter((each) => each !== listener)
    this.#listeners = []
    const generation = ++this.#generation
    for (const other of others) void other.drain().catch(() => {})
    this.#releaseUnstarted(this.#generation)
    this.#miss()
    void this.#sleep(backoffMs(1, this.#options.connection.runtime.random))
      .then(() => this.#options.provision())
      .catch((failure: unknown) => this.#fault(failure, 'cannot provision'))
      .then(() => this.#listen(connection, generation))
  }

  #onDelivery(delivery: Delivery, generation: number): Promise<Settlement> {
    return new Promise((resolve) => {
      const task = new Task(delivery, generation, this.#countsDeliveries, resolve)
      this.#open.add(task)
      const { lease } = delivery
      if (lease !== this.#lease) this.#watch(lease)
      const isTooLate = this.#stopped || (this.#stopping && !this.#opening.has(generation))
      if (isTooLate || lease.state !== 'held') return this.#close(task, { kind: 'release' })
      const dueAtMs = numberIn(task.wire.headers, coreHeader.due)
      if (dueAtMs !== 0 && this.#isEarly(task, dueAtMs)) return
      this.#admit(task)
    })
  }

  get #countsDeliveries(): boolean {
    return !this.#keyed && this.#options.connection.driver.capabilities.retryInPlace !== undefined
  }

  /** Delays again what came too early, without counting. */
  #isEarly(task: Task, dueAtMs: number): boolean {
    const remainingMs = dueAtMs - this.#options.connection.runtime.clock.now()
    if (remainingMs <= 0) return false
    if (this.#options.delay(task, remainingMs)) return true
    task.state = 'held'
    this.#options.connection.timers.after(remainingMs, () => {
      if (task.state !== 'held') return
      if (task.isLost || this.#stopping) return this.finish(task, { kind: 'release' })
      task.state = 'waiting'
      this.#admit(task)
    })
    return true
  }

  #admit(task: Task): void {
    this.#options.received?.(task)
    if (this.#keyed) {
      if (!this.#keys.push(task.wire.key, task)) return this.#options.onKeyWaits()
      task.holdsKey = true
    }
    this.#ready.push(task)
    this.#pump()
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    while (this.#running < this.concurrency && this.#ready.length > 0 && !this.#isHalted) {
      const task = this.#ready.shift()!
      if (task.state === 'settled') continue
      task.state = 'running'
      this.#running++
      this.#options.run(task)
    }
    this.#pumping = false
  }

  get #isHalted(): boolean {
    return this.#paused || this.#hasGap || this.#stopped || (this.#stopping && !this.#finishesKeyed)
  }

  #close(task: Task, settlement: Settlement): void {
    if (task.state === 'settled') return
    task.settle(settlement)
    this.#open.remove(task)
    if (task.holdsKey) this.#passKey(task, settlement)
    if (this.#open.count === 0 && this.#idle.length > 0) for (const idle of this.#idle.splice(0)) idle()
  }

  /**
   * The next of the key that still wants to run. What was given back comes again somewhere else, so while the consumer
   * stops the others of its key must not overtake it here: they go back as well.
   */
  #passKey(task: Task, { kind }: Settlement): void {
    for (;;) {
      const next = this.#keys.done(task.wire.key)
      if (next === undefined) return
      if (next.state === 'settled') continue
      next.holdsKey = true
      if (this.#stopping && kind === 'release') return this.#close(next, { kind })
      this.#ready.push(next)
      if (this.#keys.size > 0) this.#options.onKeyWaits()
      return
    }
  }

  #watch(lease: Lease): void {
    this.#lease = lease
    if (this.#watched.has(lease)) return
    this.#watched.add(lease)
    lease.subscribe(() => {
      for (const task of this.#open.toArray()) {
        if (task.delivery.lease !== lease) continue
        if (lease.state === 'lost') this.#lose(task)
        else if (lease.state === 'recalled') this.#recall(task)
      }
      // What waited behind one of these for its key may be next.
      this.#pump()
    })
  }

  /** Settling is void; what runs is told. */
  #lose(task: Task): void {
    if (task.isLost) return
    task.isLost = true
    if (task.state !== 'running') return this.#close(task, { kind: 'release' })
    this.#options.orphans.add(task)
    task.abort('leaseLost', 'the broker took the message back: the connection or the lease was lost')
    const { wire } = task
    this.#options.connection.emit({
      type: 'leaseLost',
      ...this.#about,
      ...(wire.id === undefined ? {} : { messageId: wire.id }),
    })
  }

  /** Another member waits: hand back what did not start, where single messages can be. */
  #recall(task: Task): void {
    const { settlement } = this.#options.connection.driver.capabilities
    if (settlement === 'individual' && task.state !== 'running') this.#close(task, { kind: 'release' })
  }

  get #about(): { channel: string; group: string } {
    const { source } = this.#options.requests[0]!
    return { channel: source.channel, group: source.group }
  }

  #describe(error: unknown, what: string): MessagingError {
    const { channel, group } = this.#about
    return wrapError(this.#options.connection.driver, error, `${what} group "${group}" of "${channel}"`, this.#about)
  }

  #fault(error: unknown, what: string): void {
    this.#options.connection.fault(this.#describe(error, what), this.#about)
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#options.connection.timers.after(delayMs, resolve))
  }
}
