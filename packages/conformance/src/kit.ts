import { deepEqual, equal, fail, match, notDeepEqual, ok } from 'node:assert/strict'
import { inspect } from 'node:util'
import { MessagingError, type Configuration, type ConnectOptions, type ErrorCode, type Messaging } from '@waybill/core'
import {
  connectWith,
  systemRuntime,
  type Capabilities,
  type Driver,
  type DriverConnection,
  type DriverEvent,
  type Runtime,
} from '@waybill/core/driver'
import { withAllowedRetries } from './allowed-retries.ts'
import { keyOf, type Behaviour } from './behaviour.ts'
import { DeliveryRecord } from './delivery-record.ts'
import { EventLog } from './event-log.ts'
import type { Faults, Link } from './faults.ts'
import { configurationFor, type Harness, type Timings } from './harness.ts'
import { itemChannel, type ItemChannel } from './item.ts'
import type { MessageAccount } from './message-ledger.ts'
import type { Probe } from './probe.ts'
import { eventually, sleep, within } from './time.ts'

export interface KitConnectOptions extends ConnectOptions {
  /** Through this link instead of straight to the broker. */
  readonly link?: Link
  /** The adapter's own options. */
  readonly driverOptions?: { readonly [option: string]: unknown }
  /** Around the driver: to count, hold or change what passes. */
  readonly wrap?: (driver: Driver) => Driver
  /** Configuration of channels by name; `connection` is filled in. */
  readonly channels?: {
    readonly [name: string]: Omit<NonNullable<Configuration['channels']>[string] & object, 'connection'>
  }
  /** Instead of a driver of the harness: a URL, a configuration, a driver. */
  readonly target?: string | Driver | Configuration
  /** Instead of the system's: a clock that the case moves. Such a connection must be closed by the case. */
  readonly runtime?: Runtime
}

export interface Quiet {
  /** How long nothing may change. Default: the harness's `quietMs`. */
  readonly forMs?: number
  /** What must not change meanwhile: a count, a list of ids. Compared deeply. */
  watch(): unknown
  /** Makes happen, by the same path, what must be seen: proves that it would have been. Resolves when it was seen. */
  control(): Promise<void>
}

/** A door for handlers to wait at. Opens by itself when the case ends. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

/** What was run of a case that can be longer. */
export interface Size {
  readonly reduced: number
  readonly full: number
}

export interface KitOptions {
  readonly nonce: string
  readonly full: boolean
  /** Is told how far a long case has come. */
  readonly tell?: (step: string) => void
}

/**
 * What a case works with: fresh names, tracked connections, records, deadlines. One per case.
 *
 * Whatever it hands out is closed, and every entity with its nonce removed, when the case ends; what is left behind
 * after that (a socket, a timer, a listener, an unhandled rejection) fails the case.
 */
export class Kit {
  readonly harness: Harness
  readonly timings: Timings
  readonly probe: Probe
  readonly capabilities: Capabilities
  /** Part of every name; unique to this case of this run. */
  readonly nonce: string
  readonly log = new EventLog()
  /** What `size` was asked, for the report. */
  readonly sizes: { [name: string]: Size } = {}
  /** Figures that the case told, for the report of a long run. */
  readonly figures: { [name: string]: number } = {}
  /** Whether long cases run in full. */
  readonly full: boolean
  readonly #behaviour: Behaviour
  readonly #tell: KitOptions['tell']
  readonly #ending = new AbortController()
  readonly #cleanUp: (() => Promise<void>)[] = []
  #names = 0

  constructor(harness: Harness, behaviour: Behaviour, options: KitOptions) {
    this.harness = harness
    this.timings = harness.timings
    this.probe = harness.probe
    this.capabilities = harness.createDriver().capabilities
    this.nonce = options.nonce
    this.full = options.full
    this.#tell = options.tell
    this.#behaviour = behaviour
  }

  /** Aborts when the case ends or its deadline has passed. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** The faults that the case declares in `needs.faults`, all there. */
  get faults(): Required<Faults> {
    if (this.#behaviour.needs?.faults === undefined) throw new Error('name the faults in needs.faults first')
    return this.harness.faults as Required<Faults>
  }

  /** The name of the case in reports. */
  get key(): string {
    return keyOf(this.#behaviour)
  }

  /** A name nobody else has. */
  name(base: string): string {
    return `${base}-${this.nonce}-${++this.#names}`
  }

  /** A new channel of items. Other channels: `channel(kit.name('orders'), { … })`. */
  channel<const G extends string>(
    groups: readonly G[],
    options: Parameters<typeof itemChannel>[2] = {},
  ): ItemChannel<G> {
    return itemChannel(this.name('items'), groups, options)
  }

  /** The number to run with: `reduced`, or `full` in a long run. Only for cases tagged `long`; stated in the report. */
  size(name: string, size: Size): number {
    if (this.#behaviour.tags?.includes('long') !== true) throw new Error('kit.size is for cases tagged long')
    this.sizes[name] = size
    return this.full ? size.full : size.reduced
  }

  /** Says how far a long case has come. */
  step(text: string): void {
    this.log.note(text)
    this.#tell?.(text)
  }

  /** What became of the messages of this case, and further figures, for the report of a long run. */
  account(account: Partial<MessageAccount>, figures: { readonly [name: string]: number } = {}): void {
    Object.assign(this.figures, account, figures)
    this.step(`account: ${JSON.stringify(this.figures)}`)
  }

  /** A new driver, as the harness makes it. */
  driver({ link, driverOptions, wrap }: Pick<KitConnectOptions, 'link' | 'driverOptions' | 'wrap'> = {}): Driver {
    const driver = this.harness.createDriver({
      ...(link === undefined ? {} : { link }),
      ...(driverOptions === undefined ? {} : { options: driverOptions }),
    })
    return wrap === undefined ? driver : wrap(driver)
  }

  /**
   * Connects through the core. Closed when the case ends; its events are in the log. Consumers for which the case names
   * no retry policy get one that the broker allows.
   */
  async connect(options: KitConnectOptions = {}): Promise<Messaging> {
    const { link, driverOptions, wrap, channels, target, runtime = systemRuntime, onEvent, ...connectOptions } = options
    const driver = (): Driver => this.driver(definedOnly({ link, driverOptions, wrap }))
    const messaging = await connectWith(runtime, target ?? configurationFor(driver(), mainOnly(channels)), {
      source: `/conformance/${this.nonce}`,
      ...connectOptions,
      onEvent: (event) => {
        this.log.note(`event ${event.type}`, event.error ?? event.messageId)
        onEvent?.(event)
      },
    })
    return withAllowedRetries(this.track(messaging), this.capabilities)
  }

  /** One connection of a driver, without the core: for what only the driver interface can show. */
  async open(
    role: 'send' | 'receive',
    options: Pick<KitConnectOptions, 'link' | 'driverOptions' | 'wrap'> = {},
  ): Promise<{ connection: DriverConnection; events: readonly DriverEvent[] }> {
    const events: DriverEvent[] = []
    const report = (event: DriverEvent): void => {
      this.log.note(`driver ${event.kind}`, 'error' in event ? event.error : undefined)
      events.push(event)
    }
    const logger = { warn: (message: string, error?: unknown) => this.log.note(message, error) }
    const context = { role, instance: this.name('instance'), ...systemRuntime, logger, signal: this.signal, report }
    const connection = await this.driver(options).connect(context)
    this.defer(() => connection.close())
    return { connection, events }
  }

  /** Closes it when the case ends, without waiting long for handlers. */
  track(messaging: Messaging): Messaging {
    this.defer(() => messaging.close({ drainMs: 1_000 }))
    return messaging
  }

  /** Calls this when the case ends; last in, first out. A failure fails the case. */
  defer(cleanUp: () => Promise<void>): void {
    this.#cleanUp.push(cleanUp)
  }

  /** A path to the broker that only those who are given it use. Needs one of the link faults. */
  async link(): Promise<Link & Required<Pick<Link, 'blackhole' | 'slow' | 'halfOpen'>>> {
    const link = await this.faults.link.open()
    this.defer(() => link.close())
    return link as Link & Required<Link>
  }

  /** A new record of deliveries. */
  record<D = unknown>(name = 'record'): DeliveryRecord<D> {
    return new DeliveryRecord<D>(name, this.timings.arriveMs, this.signal)
  }

  gate(): Gate {
    let resolve = (): void => {}
    const promise = new Promise<void>((open) => (resolve = open))
    this.signal.addEventListener('abort', () => resolve(), { once: true })
    return { opened: promise, open: resolve }
  }

  sleep(ms: number): Promise<void> {
    return sleep(ms, this.signal)
  }

  /** What `promise` gives, by the deadline (default: `arriveMs`). */
  within<T>(what: string, promise: PromiseLike<T>, ms = this.timings.arriveMs): Promise<T> {
    return within(what, ms, promise)
  }

  /** Waits until `probe` gives something other than false or undefined, and does not throw. */
  eventually<T>(
    what: string,
    probe: () => T | Promise<T>,
    withinMs = this.timings.arriveMs,
  ): Promise<Exclude<T, false | undefined>> {
    return eventually(what, probe, { withinMs, signal: this.signal })
  }

  /** Nothing happens for a while, and would have been seen: `control` must change what `watch` gives. */
  async quiet(what: string, { forMs = this.timings.quietMs, watch, control }: Quiet): Promise<void> {
    const before = structuredClone(watch())
    await this.sleep(forMs)
    deepEqual(watch(), before, `${what}: something changed within ${forMs} ms`)
    await this.within(`${what}: the positive control`, control(), this.timings.arriveMs + this.timings.recoverMs)
    notDeepEqual(watch(), before, `${what}: the positive control changed nothing, so the watch proves nothing`)
  }

  /** `promise` rejects with a `MessagingError` of this code (or one of these), by the deadline. Gives the error. */
  async expectRejection(
    code: ErrorCode | readonly ErrorCode[],
    promise: PromiseLike<unknown>,
    withinMs = this.timings.arriveMs,
  ): Promise<MessagingError> {
    const answer = promise.then(
      (value) => fail(`expected a rejection with ${code}, but it resolved with ${inspect(value)}`),
      (error: unknown) => error,
    )
    const error = await within(`rejection with ${code}`, withinMs, answer)
    if (!MessagingError.is(error)) throw error
    const codes: readonly ErrorCode[] = typeof code === 'string' ? [code] : code
    ok(codes.includes(error.code), `expected ${code}, got ${error.code}: ${error.message}`)
    return error
  }

  /** Asking for what is not declared is refused at startup, and the text says what to do instead. Conformance: CAP-01. */
  async expectUnsupported(promise: PromiseLike<unknown>): Promise<void> {
    const error = await this.expectRejection('unsupported', promise)
    match(error.message, /; \S|\b(use|instead|remove|choose)\b/, `a hint is missing: ${error.message}`)
    equal(error.retryable, false, 'unsupported is not retryable')
  }

  /** Ends the case: closes all that was handed out. Gives what went wrong. */
  async end(): Promise<readonly unknown[]> {
    this.#ending.abort()
    const errors: unknown[] = []
    for (const cleanUp of this.#cleanUp.splice(0).reverse()) {
      await within('closing what the case opened', 15_000, cleanUp()).catch((error: unknown) => errors.push(error))
    }
    return errors
  }
}

function mainOnly(channels: KitConnectOptions['channels'] = {}): NonNullable<Configuration['channels']> {
  return Object.fromEntries(
    Object.entries(channels).map(([name, channel]) => [name, { ...channel, connection: 'main' }]),
  )
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

function definedOnly<T extends object>(options: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>
}
