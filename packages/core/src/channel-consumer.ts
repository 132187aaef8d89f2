import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import type { ChannelRoute } from './connection-routes.ts'
import type { Consumer, StartFrom } from './consumer.ts'
import type { DriverConnection, Inspection, ListenRequest } from './driver/driver.ts'
import { Intake } from './intake.ts'
import { closedError } from './link.ts'
import { listenStart } from './listen-start.ts'
import { MessagingError } from './messaging-error.ts'
import { OrphanRuns } from './orphan-runs.ts'
import { Recovery } from './recovery.ts'
import { tiersOf, type RetryPolicy } from './retry-policy.ts'
import { retryStrategy, type RetryStrategy } from './retry-strategy.ts'
import type { Task } from './task.ts'
import type { Telemetry } from './telemetry.ts'
import { needOf, type TopologyNeed } from './topology-registry.ts'
import { wrapError } from './wrap-error.ts'

export interface ChannelConsumerOptions {
  readonly connection: Connection
  readonly channel: ChannelDefinition
  readonly route: ChannelRoute
  readonly group: string
  readonly temporary: boolean
  readonly startFrom: StartFrom | undefined
  readonly concurrency: number
  readonly maxInFlightBytes: number | undefined
  /** Deliveries unsettled at a time, for so many running. */
  readonly window: (concurrency: number) => number
  readonly policy: RetryPolicy
  readonly retryIf: ((error: unknown) => boolean) | undefined
  readonly onExhausted: ((task: Task, error: unknown) => void) | undefined
  readonly onGap: () => void
  readonly nextId: () => string
  readonly redact: (text: string) => string
  readonly telemetry: Telemetry | undefined
  /** Makes what runs a task, once there is what it ends in. */
  readonly run: (recovery: Recovery, intake: () => Intake, orphans: OrphanRuns) => TaskRunner
  /** Messages that one unit of the consumer's concurrency stands for. Default 1. */
  readonly scale?: number
  readonly onClosed: (consumer: ChannelConsumer) => void
}

export interface TaskRunner {
  /** Must end in `intake.finish` or `intake.hold`. Never throws. */
  start(task: Task): void
  /** Runs now what it was still collecting. */
  flush(): void
  /** Releases what it was still collecting. */
  giveBack(): void
  /** The concurrency has changed: more may run than before. */
  proceed(): void
  /** A message waits for another of its key, which may be one still being collected. */
  onKeyWaits(): void
}

export const defaultDrainMs = 30_000
const caughtUpPollMs = 20
/** Four of the largest messages that most brokers take. */
const defaultInFlightBytes = 64 * 1_048_576

/** A consumer: its share of one group, over all epochs. */
export class ChannelConsumer implements Consumer {
  readonly #options: ChannelConsumerOptions
  readonly #intake: Intake
  readonly #runner: TaskRunner
  #closing: Promise<void> | undefined
  #forgetSignal = () => {}
  #leave = () => {}
  #onClosing = () => {}

  constructor(options: ChannelConsumerOptions) {
    this.#options = options
    const { connection, channel, group, temporary, policy } = options
    const demand = { channel: channel.name, group, keyed: channel.keyed, temporary, policy }
    const strategy = retryStrategy(connection.driver, demand)
    const intake = (): Intake => this.#intake
    const orphans = new OrphanRuns()
    const recovery = new Recovery({ ...options, channel: channel.name, strategy, intake })
    const runner = options.run(recovery, intake, orphans)
    this.#runner = runner
    this.#intake = new Intake({
      connection,
      requests: () => requestsOf(options, strategy),
      concurrency: options.concurrency,
      window: options.window,
      provision: () => connection.provisioner.again(channel.name),
      run: (task) => runner.start(task),
      received: this.#received(),
      flush: () => runner.flush(),
      giveBack: () => runner.giveBack(),
      onKeyWaits: () => runner.onKeyWaits(),
      delay: (task, remainingMs) => recovery.delay(task, remainingMs),
      onGap: options.onGap,
      orphans,
    })
  }

  /** Provisions and listens. Resolves once what is sent later is certain to arrive. */
  async start(): Promise<void> {
    const { connection, route, channel, group } = this.#options
    this.#leave = connection.join(channel.name, group)
    await this.#unlessClosed(connection.provision(this.#need(), route))
    if (this.#closing !== undefined) throw closedError('the consumer')
    await this.#intake.start()
  }

  pause(): void {
    this.#intake.pause()
  }

  resume(): void {
    this.#intake.resume()
  }

  setConcurrency(concurrency: number): void {
    checkConcurrency(concurrency)
    this.#intake.setConcurrency(concurrency * (this.#options.scale ?? 1))
    this.#runner.proceed()
  }

  async caughtUp(): Promise<void> {
    const { connection, channel, group } = this.#options
    let horizon: unknown
    for (;;) {
      const link = await connection.receiving.whenUp()
      const found = await this.#inspect(link, { channel: channel.name, group }, horizon)
      if (found?.ready === 0) break
      horizon ??= found?.horizon
      await new Promise<void>((resolve) => connection.timers.after(caughtUpPollMs, resolve))
      if (this.#closing !== undefined) throw closedError('the consumer')
    }
    const open = this.#intake.openNow()
    while (open.some((task) => task.state !== 'settled')) {
      await new Promise<void>((resolve) => connection.timers.after(caughtUpPollMs, resolve))
    }
  }

  /** Closes when the signal aborts; lets go of it once closed. */
  closeWith(signal: AbortSignal): void {
    const onAbort = () => void this.close()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#forgetSignal = () => signal.removeEventListener('abort', onAbort)
  }

  close({ drainMs = defaultDrainMs }: { drainMs?: number } = {}): Promise<void> {
    this.#onClosing()
    this.#closing ??= this.#intake.stop(drainMs).finally(() => {
      this.#forgetSignal()
      this.#leave()
      this.#options.onClosed(this)
    })
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** `undefined`: the connection was lost meanwhile. */
  async #inspect(
    link: DriverConnection,
    address: { channel: string; group: string },
    horizon: unknown,
  ): Promise<Inspection | undefined> {
    const { driver, receiving } = this.#options.connection
    if (!driver.capabilities.inspect.includes('ready')) throw cannotCount(driver.system)
    try {
      const found = await link.inspect(address, new AbortController().signal, horizon)
      if (found.ready !== undefined) return found
    } catch (error) {
      if (receiving.connection !== link) return undefined
      throw wrapError(driver, error, `cannot look at group "${address.group}" of "${address.channel}"`, address)
    }
    throw cannotCount(driver.system)
  }

  /** Tells telemetry of deliveries, where there is one. */
  #received(): ((task: Task) => void) | undefined {
    const { telemetry, connection, channel, group, temporary } = this.#options
    if (telemetry === undefined) return undefined
    const about = { system: connection.driver.system, channel: channel.name, group: temporary ? undefined : group }
    return ({ wire: { id, headers } }) => telemetry.received({ ...about, ...(id === undefined ? {} : { id }), headers })
  }

  /** Provisioning waits out an outage; who closes meanwhile does not. */
  #unlessClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject)
      this.#onClosing = () => reject(closedError('the consumer'))
    })
  }

  #need(): TopologyNeed {
    const { channel, group, temporary, policy } = this.#options
    const need = needOf(channel)
    if (temporary) return need
    return {
      ...need,
      groups: need.groups.map((each) => (each.name === group ? { name: group, delaysMs: tiersOf(policy) } : each)),
    }
  }
}

function cannotCount(system: string): MessagingError {
  const why = 'the broker does not tell how many messages wait; watch what the handler does instead'
  return new MessagingError('unsupported', `caughtUp on ${system}: ${why}`, { system })
}

/** @throws MessagingError `invalidArgument` */
export function checkConcurrency(concurrency: unknown): void {
  if (typeof concurrency === 'number' && Number.isInteger(concurrency) && concurrency >= 1) return
  throw new MessagingError(
    'invalidArgument',
    `concurrency must be a whole number of at least 1, not ${String(concurrency)}`,
  )
}

function requestsOf(
  { connection, channel, group, temporary, startFrom, maxInFlightBytes = defaultInFlightBytes }: ChannelConsumerOptions,
  strategy: RetryStrategy,
): Omit<ListenRequest, 'maxInFlight'>[] {
  const order = channel.keyed ? 'key' : 'none'
  const from = startFrom === undefined ? {} : { from: listenStart(startFrom) }
  const source = { channel: channel.name, group }
  const bound = connection.driver.capabilities.byteBound ? { maxInFlightBytes } : {}
  const main = { source, order, ...bound, ...(temporary ? { temporary } : {}), ...from } as const
  if (strategy.kind !== 'lane') return [main]
  const tiersMs = new Set([...strategy.tiersMs, ...connection.provisioner.lanesOf(channel.name, group)])
  const lanes = Array.from(
    tiersMs,
    (tierMs) => ({ source: { ...source, lane: `delay.${tierMs}` as const }, order, ...bound }) as const,
  )
  return [main, ...lanes]
}
