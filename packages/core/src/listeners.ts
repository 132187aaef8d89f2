import type { Connection } from './connection.ts'
import { backoffMs } from './driver/backoff.ts'
import type { Delivery, DriverConnection, Lane, Listener, ListenRequest, Settlement } from './driver/driver.ts'
import type { MessagingError } from './messaging-error.ts'
import { wrapError } from './wrap-error.ts'

export interface ListenersOptions {
  readonly connection: Connection
  /**
   * What to listen to, `maxInFlight` aside: the group, and its delay lanes where retries use them. Asked anew for each
   * time it listens, since provisioning may have found more lanes.
   */
  readonly requests: () => readonly Omit<ListenRequest, 'maxInFlight'>[]
  readonly maxInFlight: () => number
  /** Whether deliveries are wanted now. */
  readonly isWanted: () => boolean
  /** Makes the group exist again before listening again: somebody may have deleted it. */
  readonly provision: () => Promise<unknown>
  readonly onDelivery: (delivery: Delivery, generation: number) => Promise<Settlement>
  /** Listeners up to this generation drain, or are over: what they delivered and never started is to go back. */
  readonly onWithdrawn: (generation: number, how: 'drains' | 'isOver') => void
  /** Deliveries may have been missed. */
  readonly onGap: () => void
  /** Listening again after a gap. */
  readonly onGapEnded: () => void
}

/**
 * The driver's listeners of one consumer: opened in each epoch, opened anew when they end, withdrawn when nothing is
 * wanted. A generation is one set of them, and what they deliver.
 *
 * Conformance: FLW-06, LIF-04, SET-07, SET-15, FLT-11.
 */
export class Listeners {
  readonly #options: ListenersOptions
  readonly #isTemporary: boolean
  #connection: DriverConnection | undefined
  #listeners: Listener[] = []
  #generation = 0
  /** Generations whose listeners are not all there yet, and may deliver already. */
  readonly #opening = new Set<number>()
  /** All earlier listeners of this epoch are gone. */
  #withdrawn: Promise<unknown> = Promise.resolve()
  #started: { resolve: () => void; reject: (error: unknown) => void } | undefined
  #hasGap = false

  constructor(options: ListenersOptions) {
    this.#options = options
    this.#isTemporary = options.requests().some(({ temporary }) => temporary)
  }

  /** A temporary group was lost and is not listened to again. */
  get hasGap(): boolean {
    return this.#hasGap
  }

  isOpening(generation: number): boolean {
    return this.#opening.has(generation)
  }

  /** Resolves once deliveries of what is sent from now on are certain. */
  started(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject }
    })
  }

  /** Whoever waits for the start waits in vain. */
  abandonStart(error: MessagingError): void {
    this.#started?.reject(error)
    this.#started = undefined
  }

  attach(connection: DriverConnection): void {
    this.#connection = connection
    if (this.#options.isWanted()) void this.#listen(connection, ++this.#generation)
  }

  /** The epoch is over, and its listeners with it. */
  detach(): void {
    this.#connection = undefined
    this.#listeners = []
    this.#generation++
    this.#withdrawn = Promise.resolve()
  }

  /** A temporary group is gone with its listener: from now on messages are missed. */
  miss(): void {
    if (this.#started !== undefined || this.#hasGap || !this.#isTemporary) return
    this.#hasGap = true
    this.#tellGap()
  }

  /** Ends the listeners; what never started goes back, what runs may finish. */
  async withdraw(): Promise<void> {
    const listeners = this.#listeners
    this.#listeners = []
    this.#generation++
    const drained = Promise.allSettled(listeners.map((listener) => listener.drain()))
    this.#withdrawn = Promise.all([this.#withdrawn, drained])
    this.#options.onWithdrawn(this.#generation, 'drains')
    const failed = (await drained).find((each) => each.status === 'rejected')
    if (failed !== undefined && this.#connection !== undefined) this.#fault(failed.reason, 'cannot stop listening to')
  }

  /** Listens again after a withdrawal in this epoch. */
  resume(): void {
    if (this.#connection !== undefined && this.#listeners.length === 0) void this.#listenAgain(this.#connection)
  }

  /** In the same epoch, with another window. */
  reopen(): void {
    if (this.#connection === undefined) return
    void this.withdraw()
    void this.#listenAgain(this.#connection)
  }

  /**
   * What still runs need not end first, however long that takes, except where two listeners of one consumer are one too
   * many, or the first one's prefix holds up what the second is given.
   */
  async #listenAgain(connection: DriverConnection): Promise<void> {
    const generation = this.#generation
    const { settlement, membersPerGroup } = this.#options.connection.driver.capabilities
    if (settlement === 'cumulative' || membersPerGroup === 1) await this.#withdrawn
    if (this.#generation === generation) this.attach(connection)
  }

  async #listen(connection: DriverConnection, generation: number): Promise<void> {
    this.#opening.add(generation)
    await this.#open(connection, generation)
    this.#opening.delete(generation)
    if (this.#generation !== generation) this.#options.onWithdrawn(generation, 'drains')
  }

  async #open(connection: DriverConnection, generation: number): Promise<void> {
    const lanes = new Set<Lane>()
    for (let attempt = 1; this.#generation === generation; attempt++) {
      try {
        if (attempt > 1) await this.#options.provision()
        await this.#openLanes(connection, generation, lanes)
        if (this.#generation !== generation) return
        this.#started?.resolve()
        this.#started = undefined
        this.#endGap()
        return
      } catch (error) {
        if (this.#generation !== generation) return
        const wrapped = this.#describe(error, 'cannot listen to')
        if (this.#started !== undefined && !wrapped.retryable) {
          this.#generation++
          return this.abandonStart(wrapped)
        }
        this.#options.connection.fault(wrapped, this.#about)
        await this.#sleep(backoffMs(attempt + 1, this.#options.connection.runtime.random))
      }
    }
  }

  /**
   * Those not in `lanes` yet, which are there already. Side by side: joining a group takes Kafka seconds, and each lane has
   * one of its own.
   */
  async #openLanes(connection: DriverConnection, generation: number, lanes: Set<Lane>): Promise<void> {
    const maxInFlight = this.#options.maxInFlight()
    const onDelivery = (delivery: Delivery) => this.#options.onDelivery(delivery, generation)
    const open = async (request: Omit<ListenRequest, 'maxInFlight'>, lane: Lane): Promise<void> => {
      const listener = await connection.listen({ ...request, maxInFlight }, onDelivery)
      if (this.#generation !== generation) return void listener.drain().catch(() => {})
      lanes.add(lane)
      this.#listeners.push(listener)
      void listener.ended.then((error) => this.#onEnded(listener, connection, error))
    }
    const opening = this.#options.requests().flatMap((request) => {
      const { lane = 'main' } = request.source
      return lanes.has(lane) ? [] : [open(request, lane)]
    })
    const failed = (await Promise.allSettled(opening)).find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Cancelled by the broker, or crashed: everything it delivered is void. */
  #onEnded(listener: Listener, connection: DriverConnection, error: unknown): void {
    if (!this.#listeners.includes(listener) || this.#connection !== connection) return
    this.#fault(error ?? new Error('cancelled by the broker'), 'no longer listening to')
    const others = this.#listeners.filter((each) => each !== listener)
    this.#listeners = []
    const generation = ++this.#generation
    for (const other of others) void other.drain().catch(() => {})
    this.#options.onWithdrawn(generation, 'isOver')
    this.miss()
    void this.#sleep(backoffMs(1, this.#options.connection.runtime.random))
      .then(() => this.#options.provision())
      .catch((failure: unknown) => this.#fault(failure, 'cannot provision'))
      .then(() => this.#listen(connection, generation))
  }

  /** Told once more before anything new is handled: a copy made meanwhile may be out of date as well. */
  #endGap(): void {
    if (!this.#hasGap) return
    this.#tellGap()
    this.#hasGap = false
    this.#options.onGapEnded()
  }

  #tellGap(): void {
    try {
      this.#options.onGap()
    } catch (error) {
      this.#fault(error, 'onGap threw for')
    }
  }

  get #about(): { channel: string; group: string } {
    const { source } = this.#options.requests()[0]!
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
