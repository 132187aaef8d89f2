import type { ChannelRoute } from './connection-routes.ts'
import { backoffMs } from './driver/backoff.ts'
import type { Driver, DriverConnection } from './driver/driver.ts'
import { untilAborted } from './driver/until-aborted.ts'
import { closedError, type Link } from './link.ts'
import type { MessagingError } from './messaging-error.ts'
import type { Runtime } from './runtime.ts'
import type { TimerQueue } from './timer-queue.ts'
import { TopologyRegistry, type Provision, type ProvisionMode, type TopologyNeed } from './topology-registry.ts'
import { wrapError } from './wrap-error.ts'

export interface ProvisionerOptions {
  readonly driver: Driver
  readonly runtime: Runtime
  readonly timers: TimerQueue
  readonly sending: Link
  readonly receiving: Link
  readonly onFault: (error: MessagingError, channel: string) => void
}

/** How long it goes on against failures that may pass: a queue that another process is just making. */
const deadlineMs = 30_000
/** A channel that cannot be had must not be asked for with every send. */
const rebuildEveryMs = 1_000

/** Sees to it that all that the producers and consumers of one connection need is on the broker, in every epoch. */
export class Provisioner {
  readonly #options: ProvisionerOptions
  readonly #topology = new TopologyRegistry()
  /** When a channel was last made again, by name. */
  readonly #rebuiltAt = new Map<string, number>()
  readonly #closing = new AbortController()

  constructor(options: ProvisionerOptions) {
    this.#options = options
  }

  knows(channel: string): boolean {
    return this.#topology.get(channel) !== undefined
  }

  /** The delay lanes that a group has, whoever made them. */
  lanesOf(channel: string, group: string): readonly number[] {
    return this.#topology.lanesOf(channel, group)
  }

  /** Makes sure that a channel is there as needed, now and in every later epoch. */
  async provision(need: TopologyNeed, route: ChannelRoute, mode?: ProvisionMode): Promise<void> {
    const { sending, receiving } = this.#options
    const provision = this.#topology.merge(need, route, mode)
    if (this.#topology.covers(provision)) return
    await Promise.all([this.#provisionOn(sending, provision), this.#provisionOn(receiving, provision)])
    this.#topology.keep(this.#topology.merge(need, route, mode))
  }

  /** Once more, for who listens: something may be gone. */
  async again(channel: string): Promise<void> {
    const provision = this.#topology.get(channel)
    if (provision !== undefined) await this.#ask(await this.#options.receiving.whenUp(), provision)
  }

  /** All of it, each channel on its own, so that one that cannot be had does not keep the others away. */
  async restore(connection: DriverConnection): Promise<void> {
    await Promise.all(
      this.#topology.all().map(async (provision) => {
        try {
          await this.#ask(connection, provision)
        } catch (error) {
          const failure = this.#describe(provision, error)
          if (failure.retryable || failure.code === 'internal') throw failure
          this.#fault(provision, failure)
        }
      }),
    )
  }

  /** Somebody deleted what sends to the channel need: makes it again, for those that come later. Conformance: FLT-07. */
  rebuild(channel: string): void {
    const { runtime, sending } = this.#options
    const { connection } = sending
    const provision = this.#topology.get(channel)
    const now = runtime.clock.monotonic()
    if (connection === undefined || provision?.mode !== 'create' || provision.channel.groups.length === 0) return
    if (now - (this.#rebuiltAt.get(channel) ?? -Infinity) < rebuildEveryMs) return
    this.#rebuiltAt.set(channel, now)
    this.#ask(connection, provision).catch((error: unknown) => this.#fault(provision, this.#describe(provision, error)))
  }

  /** Who still waits is told that it is `closed`. */
  close(): void {
    this.#closing.abort(closedError())
  }

  /** Conformance: TOP-07. */
  async #provisionOn(link: Link, provision: Provision): Promise<void> {
    const { clock, random } = this.#options.runtime
    const giveUpAt = clock.monotonic() + deadlineMs
    for (let attempt = 1; ; attempt++) {
      const connection = await link.whenUp()
      try {
        return await this.#ask(connection, provision)
      } catch (error) {
        if (link.connection !== connection) continue
        const failure = this.#describe(provision, error)
        if (!failure.retryable || clock.monotonic() >= giveUpAt) throw failure
        this.#fault(provision, failure)
        await this.#sleep(backoffMs(attempt, random))
      }
    }
  }

  async #ask(connection: DriverConnection, { channel, mode }: Provision): Promise<void> {
    this.#topology.found(await connection.provision({ channels: [channel] }, mode))
  }

  #sleep(delayMs: number): Promise<void> {
    const sleeping = new Promise<void>((resolve) => this.#options.timers.after(delayMs, resolve))
    return untilAborted(sleeping, this.#closing.signal)
  }

  #describe({ channel, mode }: Provision, error: unknown): MessagingError {
    return wrapError(
      this.#options.driver,
      error,
      `cannot ${mode === 'create' ? 'provision' : mode} "${channel.name}"`,
      {
        channel: channel.name,
      },
    )
  }

  #fault({ channel }: Provision, failure: MessagingError): void {
    this.#options.onFault(failure, channel.name)
  }
}
