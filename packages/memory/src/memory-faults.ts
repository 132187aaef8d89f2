import type { Address, Driver, WireMessage } from '@waybill/core/driver'
import type { LiveConnection } from './live-connection.ts'
import { connectionLost } from './memory-errors.ts'

/** Which connections are meant. All that is left out matches. */
export interface ConnectionMatch {
  readonly driver?: Driver
  readonly role?: 'send' | 'receive'
}

/**
 * Where a connection can be cut. `send`: an entry reaches the broker; `confirm`: it is stored, and its sender told;
 * `deliver`: a message is handed to the driver's user; `settle`: the broker hears of a settlement.
 */
export type CrashPoint = 'provision' | 'listen' | 'send' | 'confirm' | 'deliver' | 'settle'

export interface CrashOptions {
  /** How often to let pass before. Default 0. */
  readonly skip?: number
}

export interface FailSends {
  /** How many. Default: all until the answer is called. */
  readonly count?: number
  /** Which. Default: any. */
  readonly when?: (message: WireMessage, to: Address) => boolean
  /** What the sender is told. */
  readonly error?: unknown
  /** `unknown`: the message is stored all the same. Default `notSent`. */
  readonly outcome?: 'notSent' | 'unknown'
}

interface Crash {
  readonly point: CrashPoint
  readonly when: 'before' | 'after'
  left: number
}

interface Refusal extends Required<Omit<FailSends, 'count'>> {
  left: number
}

/** Everything that can go wrong between a driver and a broker, on demand. */
export class MemoryFaults {
  /** Whether any fault concerns single sends, deliveries or settlements. */
  #isActive = false
  #isBlocked = false
  #holdsConfirms = false
  #refused: { readonly match: ConnectionMatch; readonly error: unknown }[] = []
  #hung: { readonly match: ConnectionMatch }[] = []
  #waiting: (() => void)[] = []
  #crashes: Crash[] = []
  #refusals: Refusal[] = []
  #settlementsToFail = 0
  #settlementError: unknown
  readonly #connections: ReadonlySet<LiveConnection>

  /** @internal */
  constructor(connections: ReadonlySet<LiveConnection>) {
    this.#connections = connections
  }

  /** Cuts the connections that match: each reports `lost`, and what it had unsettled is delivered again. */
  disconnect(match: ConnectionMatch = {}, error: unknown = connectionLost()): void {
    for (const connection of [...this.#connections]) if (matches(connection, match)) connection.lose(error)
  }

  /** Refuses new connections until the answer is called. */
  refuseConnections(match: ConnectionMatch = {}, error: unknown = connectionLost('connection refused')): () => void {
    const entry = { match, error }
    this.#refused.push(entry)
    return () => {
      this.#refused = this.#refused.filter((each) => each !== entry)
    }
  }

  /** Lets new connections wait until the answer is called. */
  hangConnections(match: ConnectionMatch = {}): () => void {
    const entry = { match }
    this.#hung.push(entry)
    return () => {
      this.#hung = this.#hung.filter((each) => each !== entry)
      for (const proceed of this.#waiting.splice(0)) proceed()
    }
  }

  /** Cuts the connection that comes to this point next, before it has any effect. */
  crashBefore(point: CrashPoint, options: CrashOptions = {}): void {
    this.#crash(point, 'before', options)
  }

  /** Cuts the connection that comes to this point next, after it took effect and before anybody is told. */
  crashAfter(point: CrashPoint, options: CrashOptions = {}): void {
    this.#crash(point, 'after', options)
  }

  /** Refuses sends, `count` of them or until the answer is called. */
  failSends(options: FailSends = {}): () => void {
    const { count = Infinity, when = () => true, outcome = 'notSent' } = options
    const refusal = {
      left: count,
      when,
      outcome,
      error: options.error ?? connectionLost('the broker refused the message'),
    }
    this.#refusals.push(refusal)
    this.#update()
    return () => {
      this.#refusals = this.#refusals.filter((each) => each !== refusal)
      this.#update()
    }
  }

  /** Loses the next settlements: each is reported as `settleFailed`, and the message is delivered again. */
  failSettlements(count: number, error: unknown = connectionLost('the settlement did not reach the broker')): void {
    this.#settlementsToFail = count
    this.#settlementError = error
    this.#update()
  }

  /** Asks senders to wait. What they send all the same is neither stored nor answered before `unblock`. */
  block(): void {
    this.#setBlocked(true)
  }

  unblock(): void {
    this.#setBlocked(false)
  }

  /** Stores what is sent but confirms it only by `flushConfirms`, or when turned off. */
  delayConfirms(on: boolean): void {
    this.#holdsConfirms = on
    this.#update()
    if (!on) this.flushConfirms()
  }

  /** Confirms what is held, the oldest first; answers how many. */
  flushConfirms(limit = Infinity): number {
    let confirmed = 0
    for (const connection of [...this.#connections]) {
      if (confirmed < limit) confirmed += connection.confirm(limit - confirmed)
    }
    return confirmed
  }

  /** Ends every listener without cutting its connection. What it has may still be settled. */
  cancelListeners(
    match: ConnectionMatch = {},
    error: unknown = connectionLost('the broker cancelled the listener'),
  ): void {
    for (const connection of [...this.#connections]) if (matches(connection, match)) connection.cancelListeners(error)
  }

  /** Asks for everything back: leases become `recalled`. A listener gets nothing more before it has settled all. */
  recallLeases(match: ConnectionMatch = {}): void {
    for (const connection of [...this.#connections]) if (matches(connection, match)) connection.recallLeases()
  }

  /** Takes everything back: leases become `lost`, settling is void, the messages are delivered again. */
  loseLeases(match: ConnectionMatch = {}): void {
    for (const connection of [...this.#connections]) if (matches(connection, match)) connection.loseLeases()
  }

  /** Ends all faults that last. What was held is stored and confirmed. */
  heal(): void {
    this.#refused = []
    this.#hung = []
    this.#crashes = []
    this.#refusals = []
    this.#settlementsToFail = 0
    for (const proceed of this.#waiting.splice(0)) proceed()
    this.unblock()
    this.delayConfirms(false)
  }

  /** @internal */
  get isActive(): boolean {
    return this.#isActive
  }

  /** @internal */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** @internal */
  get holdsConfirms(): boolean {
    return this.#holdsConfirms
  }

  /** @internal Resolves when a connection may be tried; throws when it is refused. */
  async admit(connection: Required<ConnectionMatch>, signal: AbortSignal): Promise<void> {
    while (this.#hung.some(({ match }) => matches(connection, match)) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    const refused = this.#refused.find(({ match }) => matches(connection, match))
    if (refused !== undefined) throw refused.error
  }

  /** @internal Whether to cut the connection here. */
  crashes(point: CrashPoint, when: 'before' | 'after'): boolean {
    const crash = this.#crashes.find((each) => each.point === point && each.when === when)
    if (crash === undefined || crash.left-- > 0) return false
    this.#crashes = this.#crashes.filter((each) => each !== crash)
    this.#update()
    return true
  }

  /** @internal */
  refusalOf(message: WireMessage, to: Address): { error: unknown; outcome: 'notSent' | 'unknown' } | undefined {
    const refusal = this.#refusals.find((each) => each.left > 0 && each.when(message, to))
    if (refusal === undefined) return undefined
    refusal.left--
    return { error: refusal.error, outcome: refusal.outcome }
  }

  /** @internal The error when this settlement is to be lost. */
  settlementLost(): { readonly error: unknown } | undefined {
    if (this.#settlementsToFail <= 0) return undefined
    this.#settlementsToFail--
    return { error: this.#settlementError }
  }

  #crash(point: CrashPoint, when: 'before' | 'after', { skip = 0 }: CrashOptions): void {
    this.#crashes.push({ point, when, left: skip })
    this.#update()
  }

  #setBlocked(isBlocked: boolean): void {
    if (this.#isBlocked === isBlocked) return
    this.#isBlocked = isBlocked
    this.#update()
    for (const connection of [...this.#connections]) connection.blockedChanged(isBlocked)
  }

  #update(): void {
    this.#isActive =
      this.#isBlocked ||
      this.#holdsConfirms ||
      this.#crashes.length > 0 ||
      this.#refusals.length > 0 ||
      this.#settlementsToFail > 0
  }
}

function matches(connection: Required<ConnectionMatch>, { driver, role }: ConnectionMatch): boolean {
  return (driver === undefined || driver === connection.driver) && (role === undefined || role === connection.role)
}
