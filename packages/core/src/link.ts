import { withDeadline } from './deadline.ts'
import { backoffMs } from './driver/backoff.ts'
import type { Driver, DriverConnection, DriverContext, DriverEvent } from './driver/driver.ts'
import { untilAborted } from './driver/until-aborted.ts'
import { MessagingError, type ErrorCode } from './messaging-error.ts'
import type { Runtime } from './runtime.ts'
import { wrapError } from './wrap-error.ts'

/** What a link tells the connection that owns it. */
export interface LinkObserver {
  /** Makes the new epoch usable: topology first. A rejection ends the epoch. */
  restore(connection: DriverConnection): Promise<void>
  up(connection: DriverConnection): void
  down(error: MessagingError): void
  fault(error: MessagingError): void
  unblocked(): void
}

export interface LinkOptions {
  readonly driver: Driver
  readonly role: 'send' | 'receive'
  readonly instance: string
  readonly runtime: Runtime
  readonly observer: LinkObserver
}

const connectDeadlineMs = 20_000
const restoreDeadlineMs = 60_000
const closeDeadlineMs = 5_000

/** One role of one connection, over all its epochs: the one reconnect loop of the library. */
export class Link {
  readonly role: 'send' | 'receive'
  /** The usable connection of the present epoch. */
  connection: DriverConnection | undefined
  /** Whether the broker asked senders to wait. */
  isBlocked = false
  /** Why the last try to connect failed, while down. */
  lastError: MessagingError | undefined
  readonly #options: LinkOptions
  #closed = false
  #epoch: Epoch | undefined
  #pause: { end: () => void } | undefined
  #loop: Promise<void> | undefined
  #waiters: { resolve: (connection: DriverConnection) => void; reject: (error: MessagingError) => void }[] = []

  constructor(options: LinkOptions) {
    this.role = options.role
    this.#options = options
  }

  /** Resolves when connected for the first time. Rejects when that failed for `waitMs`, or was aborted. */
  async start(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, random } = this.#options.runtime
    const giveUpAt = clock.monotonic() + waitMs
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw abortedError(signal)
      const opened = await this.#open(signal)
      if (opened instanceof Epoch) {
        this.#loop = this.#keepUp(opened)
        return
      }
      const leftMs = giveUpAt - clock.monotonic()
      if (this.#closed || signal?.aborted || leftMs <= 0 || isPermanent(opened)) throw opened
      await this.#wait(Math.min(backoffMs(attempt, random), leftMs), signal)
    }
  }

  /** The usable connection, now or as soon as there is one. Rejects with `closed`. */
  whenUp(): Promise<DriverConnection> {
    if (this.connection !== undefined) return Promise.resolve(this.connection)
    if (this.#closed) return Promise.reject(closedError())
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** Ends the present epoch as if the driver had said `lost`. */
  abandon(error: unknown): void {
    this.#epoch?.end(this.#wrap(error))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#pause?.end()
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closedError())
    const epoch = this.#epoch
    const connection = this.connection
    this.connection = undefined
    if (connection !== undefined) await this.#disconnect(connection)
    epoch?.end(closedError())
    await this.#loop
  }

  /** Waits for the end of each epoch and opens the next, until closed. */
  async #keepUp(first: Epoch): Promise<void> {
    for (let epoch: Epoch | undefined = first; epoch !== undefined; epoch = await this.#reopen()) {
      const error = await epoch.ended
      if (this.#closed) return
      this.lastError = error
      this.#options.observer.down(error)
    }
  }

  async #reopen(): Promise<Epoch | undefined> {
    for (let attempt = 1; !this.#closed; attempt++) {
      const error = this.lastError
      const slow = error !== undefined && isPermanent(error)
      await this.#wait(backoffMs(attempt, this.#options.runtime.random, slow ? slowBackoff : undefined))
      if (this.#closed) return undefined
      const opened = await this.#open(undefined)
      if (opened instanceof Epoch) return opened
      this.lastError = opened
      if (!this.#closed) this.#options.observer.fault(opened)
    }
    return undefined
  }

  async #open(signal: AbortSignal | undefined): Promise<Epoch | MessagingError> {
    const { driver, runtime, observer } = this.#options
    const epoch = new Epoch()
    const stopFollowing = epoch.follow(signal)
    this.#epoch = epoch
    let connection: DriverConnection | undefined
    try {
      const connecting = driver.connect(this.#contextOf(epoch))
      connection = await withDeadline(epoch.orEnd(connecting), connectDeadlineMs, runtime.clock, () =>
        timedOut(`connecting took longer than ${connectDeadlineMs} ms`),
      )
      await withDeadline(epoch.orEnd(observer.restore(connection)), restoreDeadlineMs, runtime.clock, () =>
        timedOut(`provisioning took longer than ${restoreDeadlineMs} ms`),
      )
      if (this.#closed) throw closedError()
      this.#becomeUp(epoch, connection)
      return epoch
    } catch (error) {
      const wrapped = signal?.aborted ? abortedError(signal) : this.#cannotConnect(error)
      epoch.end(wrapped)
      if (connection !== undefined) await this.#disconnect(connection)
      return wrapped
    } finally {
      stopFollowing()
    }
  }

  #becomeUp(epoch: Epoch, connection: DriverConnection): void {
    this.connection = connection
    this.isBlocked = epoch.blocked
    this.lastError = undefined
    epoch.onEnd = () => {
      if (this.connection === connection) this.connection = undefined
      this.isBlocked = false
    }
    this.#options.observer.up(connection)
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(connection)
  }

  #contextOf(epoch: Epoch): DriverContext {
    const { runtime, instance, observer } = this.#options
    return {
      role: this.role,
      instance,
      clock: runtime.clock,
      random: runtime.random,
      logger: { warn: (message: string, error?: unknown) => observer.fault(faultOf(message, error)) },
      signal: epoch.signal,
      report: (event: DriverEvent) => this.#report(epoch, event),
    }
  }

  #report(epoch: Epoch, event: DriverEvent): void {
    if (epoch.isOver) return
    switch (event.kind) {
      case 'lost':
        epoch.end(this.#wrap(event.error))
        return
      case 'settleFailed':
        this.#options.observer.fault(
          this.#wrap(event.error, 'a settlement did not reach the broker; expect a redelivery'),
        )
        return
      default:
        epoch.blocked = event.kind === 'blocked'
        if (this.#epoch !== epoch) return
        this.isBlocked = epoch.blocked
        if (!epoch.blocked) this.#options.observer.unblocked()
    }
  }

  /** Conformance: ERR-01. */
  #cannotConnect(error: unknown): MessagingError {
    if (MessagingError.is(error)) return error
    const { system } = this.#options.driver
    const { code, message } = this.#wrap(error, `cannot connect to ${system}`)
    const hint = connectHints[code]
    return new MessagingError(code, hint === undefined ? message : `${message}; ${hint}`, { cause: error, system })
  }

  #wrap(error: unknown, what = `connection lost`): MessagingError {
    return wrapError(this.#options.driver, error, what)
  }

  async #disconnect(connection: DriverConnection): Promise<void> {
    const closing = Promise.resolve(connection.close()).catch((error: unknown) =>
      this.#options.observer.fault(this.#wrap(error, 'disconnecting failed')),
    )
    await withDeadline(closing, closeDeadlineMs, this.#options.runtime.clock, () =>
      timedOut(`disconnecting took longer than ${closeDeadlineMs} ms`),
    ).catch((error: MessagingError) => this.#options.observer.fault(error))
  }

  /** Sleeps, unless closed or aborted meanwhile. */
  #wait(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel()
        signal?.removeEventListener('abort', end)
        this.#pause = undefined
        resolve()
      }
      const timer = this.#options.runtime.clock.after(delayMs, end)
      signal?.addEventListener('abort', end, { once: true })
      this.#pause = { end }
    })
  }
}

/** One life of a connection: from the try to connect to the driver's `lost`. */
class Epoch {
  readonly ended: Promise<MessagingError>
  readonly signal: AbortSignal
  isOver = false
  blocked = false
  onEnd: (() => void) | undefined
  readonly #controller = new AbortController()
  #resolve!: (error: MessagingError) => void

  constructor() {
    this.signal = this.#controller.signal
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  end(error: MessagingError): void {
    if (this.isOver) return
    this.isOver = true
    this.onEnd?.()
    this.#controller.abort(error)
    this.#resolve(error)
  }

  /** Ends with the caller's signal, until told to stop: who gives up connecting does not mean to disconnect later. */
  follow(signal: AbortSignal | undefined): () => void {
    if (signal === undefined) return () => {}
    const onAbort = () => this.end(abortedError(signal))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    return () => signal.removeEventListener('abort', onAbort)
  }

  /** The work's result, unless the epoch ends first. */
  orEnd<T>(work: Promise<T>): Promise<T> {
    return untilAborted(work, this.signal)
  }
}

/** What to do about a connection that cannot be had. */
const connectHints: { readonly [code in ErrorCode]?: string } = {
  unavailable: 'check the address and that the broker runs, or let connect wait for it with waitForBrokerMs',
  unauthenticated: 'check the credentials, and whose certificate to trust',
  permissionDenied: 'grant the user what it needs at the broker',
  notFound: 'check the name in the address',
  timeout: 'check the address, and what stands between here and the broker',
}

const slowBackoff = { initialMs: 5_000, maxMs: 30_000 }

/** What trying again soon cannot mend. */
export function isPermanent(error: MessagingError): boolean {
  return error.code === 'unauthenticated' || error.code === 'permissionDenied' || error.code === 'invalidArgument'
}

export function closedError(what = 'messaging'): MessagingError {
  return new MessagingError('closed', `${what} is closed`)
}

export function abortedError(signal: AbortSignal): MessagingError {
  return new MessagingError('aborted', 'aborted by the signal given', { cause: signal.reason })
}

function timedOut(what: string): MessagingError {
  return new MessagingError('timeout', what)
}

function faultOf(message: string, error: unknown): MessagingError {
  return new MessagingError('internal', message, error === undefined ? {} : { cause: error })
}
