import type { Attachment, Connection } from './connection.ts'
import { coreHeader, numberIn } from './core-headers.ts'
import { withDeadline } from './deadline.ts'
import { Deque } from './deque.ts'
import type { Delivery, DriverConnection, Lease, Settlement } from './driver/driver.ts'
import { KeyedSerialQueue } from './driver/keyed-serial-queue.ts'
import { closedError } from './link.ts'
import { Listeners, type ListenersOptions } from './listeners.ts'
import { MessagingError } from './messaging-error.ts'
import type { OrphanRuns } from './orphan-runs.ts'
import { Task, TaskList } from './task.ts'

export interface IntakeOptions extends Pick<ListenersOptions, 'requests' | 'provision' | 'onGap'> {
  readonly connection: Connection
  readonly concurrency: number
  /** How many deliveries may be unsettled for so many running. */
  readonly window: (concurrency: number) => number
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
  /** Keys of which something went back while stopping: what is delivered after it would overtake it. */
  readonly #givenBack = new Set<string>()
  readonly #ready = new Deque<Task>()
  readonly #listeners: Listeners
  readonly #isTemporary: boolean
  #running = 0
  #pumping = false
  #paused = false
  #stopping = false
  /** Stopping: who is not done by then is told to be. */
  #stopByMs = 0
  /** Stopped: a listener that was still being opened may deliver for a moment. */
  #stopped = false
  /** The last one seen, which is the next one's too on most brokers. */
  #lease: Lease | undefined
  /** Deliveries of several partitions come in turns; each lease is subscribed to once. */
  readonly #watched = new WeakSet<Lease>()
  #idle: (() => void)[] = []

  constructor(options: IntakeOptions) {
    this.#options = options
    this.concurrency = options.concurrency
    this.#keyed = options.requests().some(({ order }) => order === 'key')
    this.#isTemporary = options.requests().some(({ temporary }) => temporary)
    this.#listeners = new Listeners({
      ...options,
      maxInFlight: () => options.window(this.concurrency),
      isWanted: () => !this.#paused && !this.#stopping,
      onDelivery: (delivery, generation) => this.#onDelivery(delivery, generation),
      onWithdrawn: (generation, how) => {
        if (how === 'isOver' || !this.#finishesKeyed) this.#releaseUnstarted(generation)
      },
      onGapEnded: () => this.#pump(),
    })
  }

  /** Resolves once deliveries of what is sent from now on are certain. */
  start(): Promise<void> {
    const started = this.#listeners.started()
    this.#options.connection.attach(this)
    return started
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
    this.#listeners.attach(connection)
  }

  detach(): void {
    this.#listeners.detach()
    for (const task of this.#open.toArray()) this.#lose(task)
    this.#listeners.miss()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    if (this.#isTemporary) return
    void this.#listeners.withdraw()
    if (this.isGivingBack) this.#options.giveBack()
    else this.#options.flush()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#listeners.resume()
    this.#pump()
  }

  setConcurrency(concurrency: number): void {
    const isOtherWindow = this.#options.window(concurrency) !== this.#options.window(this.concurrency)
    this.concurrency = concurrency
    if (isOtherWindow && !this.#paused && !this.#isTemporary) this.#listeners.reopen()
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

  /** The task gives up its place, keeps its key, and runs again after the delay: elsewhere if it is too long to wait. */
  hold(task: Task, delayMs: number): void {
    task.dueAtMs = this.#options.connection.runtime.clock.monotonic() + delayMs
    if (this.#stopping && !this.#isDueInTime(task)) return this.finish(task, { kind: 'release' })
    if (task.state === 'running') this.#running--
    task.state = 'held'
    this.#options.connection.timers.after(delayMs, () => {
      if (task.state !== 'held') return
      if (task.isLost || (this.#stopping && !this.#finishesKeyed)) return this.finish(task, { kind: 'release' })
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
    this.#listeners.abandonStart(closedError('the consumer'))
    const withdrawn = this.#listeners.withdraw()
    this.#options.flush()
    const graceMs = Math.min(250, drainMs / 4)
    this.#stopByMs = clock.monotonic() + drainMs - graceMs
    this.#releaseHeld()
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

  /** Brokers that cannot hand back keyed messages without upsetting their order have them finished. */
  get #finishesKeyed(): boolean {
    return this.#keyed && this.#options.connection.driver.capabilities.drainKeyed === 'finish'
  }

  /** Who waits for its next attempt need not wait here. */
  #releaseHeld(): void {
    for (const task of this.#open.toArray())
      if (task.state === 'held' && !this.#isDueInTime(task)) this.#close(task, { kind: 'release' })
  }

  /**
   * What is held is given back by whoever closes, unless all that was handled behind it would come again with it: there
   * it is waited for as long as handlers are.
   */
  #isDueInTime(task: Task): boolean {
    return this.#finishesKeyed && !this.#isTemporary && task.dueAtMs < this.#stopByMs
  }

  /**
   * Only of listeners that drain: one that is still being opened would be given the message again at once, behind
   * others of its key. Its turn comes when it is open.
   */
  #releaseUnstarted(generation: number): void {
    for (const task of this.#open.toArray()) {
      if (task.state === 'running' || task.generation > generation || this.#listeners.isOpening(task.generation))
        continue
      this.#close(task, { kind: 'release' })
    }
  }

  #onDelivery(delivery: Delivery, generation: number): Promise<Settlement> {
    return new Promise((resolve) => {
      const task = new Task(delivery, generation, this.#countsDeliveries, resolve)
      this.#open.add(task)
      const { lease } = delivery
      if (lease !== this.#lease) this.#watch(lease)
      const isTooLate = this.#stopped || (this.#stopping && !this.#listeners.isOpening(generation))
      if (isTooLate || lease.state !== 'held') return this.#close(task, { kind: 'release' })
      const { headers, key } = task.wire
      if (key !== undefined && this.#givenBack.has(key)) return this.#close(task, { kind: 'release' })
      const dueAtMs = numberIn(headers, coreHeader.due)
      if (dueAtMs !== 0 && this.#isEarly(task, dueAtMs)) return
      this.#admit(task)
    })
  }

  get #countsDeliveries(): boolean {
    return !this.#keyed && this.#options.connection.driver.capabilities.retryInPlace !== undefined
  }

  /** Delays again what came too early, without counting. */
  #isEarly(task: Task, dueAtMs: number): boolean {
    const mostMs = numberIn(task.wire.headers, coreHeader.wait) || Infinity
    const remainingMs = Math.min(dueAtMs - this.#options.connection.runtime.clock.now(), mostMs)
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
    const isEnding = this.#stopped || (this.#stopping && !this.#finishesKeyed)
    return this.#paused || this.#listeners.hasGap || isEnding
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
    const { key } = task.wire
    const goesBack = this.#stopping && kind === 'release'
    if (goesBack && key !== undefined) this.#givenBack.add(key)
    for (;;) {
      const next = this.#keys.done(key)
      if (next === undefined) return
      if (next.state === 'settled') continue
      next.holdsKey = true
      if (goesBack) return this.#close(next, { kind })
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
      ...aboutOf(this.#options),
      ...(wire.id === undefined ? {} : { messageId: wire.id }),
    })
  }

  /** Another member waits: hand back what did not start, where single messages can be. */
  #recall(task: Task): void {
    const { settlement } = this.#options.connection.driver.capabilities
    if (settlement === 'individual' && task.state !== 'running') this.#close(task, { kind: 'release' })
  }
}

function aboutOf({ requests }: Pick<IntakeOptions, 'requests'>): { channel: string; group: string } {
  const { channel, group } = requests()[0]!.source
  return { channel, group }
}
