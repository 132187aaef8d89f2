import type { Clock, Timer } from '@waybill/core/driver'
import { unwrapped } from './kafka-errors.ts'
import { clusterOf, type KafkajsCluster } from './kafkajs-cluster.ts'
import type { KafkaSockets } from './kafkajs-consumer.ts'

export interface KafkajsPulseOptions extends KafkaSockets {
  readonly clock: Clock
  readonly intervalMs: number
  readonly onLost: (error: unknown) => void
}

/** kafkajs asks whom it was connected to a moment ago, and finds out only then that he is gone. */
const maxTries = 4

type Cluster = KafkajsCluster & { findControllerBroker(): Promise<{ apiVersions(): Promise<unknown> }> }

/** For the requests of a pulse: with one every half heartbeat, the longest that a busy broker or process may be given. */
export function patienceMs({ heartbeatMs }: { readonly heartbeatMs: number }): number {
  return 1.5 * heartbeatMs
}

/**
 * Asks a broker something small every half heartbeat, so that a silent link is noticed within two, and a cluster that is
 * gone although nothing was sent. Conformance: FLT-04, FLT-05.
 */
export class KafkajsPulse {
  readonly #options: KafkajsPulseOptions
  readonly #cluster: Cluster
  #timer: Timer | undefined
  #isStopped = false
  #checking: Promise<void> | undefined

  constructor(options: KafkajsPulseOptions) {
    this.#options = options
    this.#cluster = clusterOf(options.kafka) as Cluster
  }

  /** Resolves when a broker has answered. */
  async start(): Promise<void> {
    try {
      await this.#cluster.connect()
      await this.#cluster.refreshMetadata()
      await this.#ask()
    } catch (error) {
      throw unwrapped(error)
    }
    this.#schedule()
  }

  /** Asks now. */
  check(): void {
    if (this.#isStopped || this.#checking !== undefined) return
    this.#timer?.cancel()
    this.#checking = this.#ask().then(
      () => {
        this.#checking = undefined
        this.#schedule()
      },
      (error: unknown) => {
        if (!this.#isStopped) this.#options.onLost(unwrapped(error))
      },
    )
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#options.destroy()
  }

  #schedule(): void {
    if (this.#isStopped) return
    this.#timer = this.#options.clock.after(this.#options.intervalMs, () => this.check())
  }

  /** Where one broker is away another may answer; who was silent has taken the time that there is. */
  async #ask(): Promise<void> {
    const { clock, intervalMs } = this.#options
    const askedAt = clock.monotonic()
    for (let tries = 1; ; tries++) {
      try {
        return await (tries === 1 ? this.#askController() : this.#cluster.refreshMetadata())
      } catch (error) {
        if (this.#isStopped || tries === maxTries || clock.monotonic() - askedAt > intervalMs) throw error
      }
    }
  }

  /** Not the whole metadata, which is long where topics are many. */
  async #askController(): Promise<void> {
    const broker = await this.#cluster.findControllerBroker()
    await broker.apiVersions()
  }
}
