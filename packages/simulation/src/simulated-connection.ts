import type {
  Address,
  Delivery,
  DriverConnection,
  DriverContext,
  Inspection,
  Listener,
  ListenRequest,
  Outgoing,
  SendDone,
  Settlement,
  Topology,
  TopologyReport,
} from '@waybill/core/driver'
import type { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedListener } from './simulated-listener.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import type { LogRecorder } from './log-recorder.ts'
import { NetworkPath } from './network-path.ts'
import type { SeededRandom } from './seeded-random.ts'
import { SimulatedSender } from './simulated-sender.ts'

export interface ConnectionParts {
  readonly broker: SimulatedBroker
  readonly process: SimulatedProcess
  readonly context: DriverContext
  readonly random: SeededRandom
  readonly latencyMs: number
  readonly recorder: LogRecorder | undefined
}

/** One epoch of one role of one process, with both its ends: what the client sees, and what the broker sees. */
export class SimulatedConnection implements DriverConnection {
  readonly broker: SimulatedBroker
  readonly process: SimulatedProcess
  readonly role: 'send' | 'receive'
  readonly toBroker: NetworkPath
  readonly toClient: NetworkPath
  /** What the client believes. */
  isUp = true
  /** What the broker believes. */
  isKnown = true
  /** Nothing passes any more, whoever has noticed. */
  isCut = false
  readonly sender: SimulatedSender
  readonly #parts: ConnectionParts
  /** A driver tells these in the order in which they came about, whatever its requests do. */
  readonly #reports: NetworkPath
  readonly #listeners = new Set<SimulatedListener>()

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    const { broker, process, context, random, latencyMs } = parts
    this.broker = broker
    this.process = process
    this.role = context.role
    this.toBroker = new NetworkPath(broker.world, random, latencyMs, !broker.profile.isRequestBased)
    this.toClient = new NetworkPath(broker.world, random, latencyMs, !broker.profile.isRequestBased)
    this.#reports = new NetworkPath(broker.world, random, latencyMs, true)
    this.sender = new SimulatedSender(this, random)
    broker.connections.add(this)
    context.signal.addEventListener('abort', () => this.#giveUp(), { once: true })
    if (broker.blockedUntilMs > broker.world.nowMs) this.reportBlocked('blocked')
  }

  async provision(topology: Topology): Promise<TopologyReport> {
    await this.ask(() => this.broker.provision(topology))
    return { entities: [] }
  }

  send(to: Address, batch: readonly Outgoing[], done: SendDone): void {
    this.sender.send(to, batch, done)
  }

  async listen(request: ListenRequest, onDelivery: (delivery: Delivery) => Promise<Settlement>): Promise<Listener> {
    const { channel, group, lane } = request.source
    const listener = new SimulatedListener(this, request, onDelivery)
    this.#listeners.add(listener)
    await this.ask(() => {
      listener.lane = this.broker.laneOf(channel, group, lane)
      listener.lane.join(listener)
    })
    return listener
  }

  inspect(): Promise<Inspection> {
    return Promise.reject(new Error('nothing to inspect'))
  }

  async close(): Promise<void> {
    if (!this.isUp) return
    await this.sender.flushed()
    if (this.isUp) await this.ask(() => this.#forget()).catch(() => {})
    this.#end(new Error('closed by this side'))
  }

  /** A request and its answer. Rejects when the connection is lost meanwhile. */
  ask<T>(serve: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.isUp) return reject(new Error('the connection is lost'))
      this.#whenLost.add(reject)
      this.tell(() => {
        const answer = serve()
        this.hear(() => {
          this.#whenLost.delete(reject)
          resolve(answer)
        })
      })
    })
  }

  /** From the client to the broker. */
  tell(arrive: () => void): void {
    this.toBroker.carry(() => {
      if (!this.isCut && this.isKnown && this.broker.isUp) arrive()
    })
  }

  /** From the broker to the client. */
  hear(arrive: () => void): void {
    this.#carry(this.toClient, arrive)
  }

  reportBlocked(kind: 'blocked' | 'unblocked'): void {
    if (this.role === 'send') this.#carry(this.#reports, () => this.#parts.context.report({ kind }))
  }

  reportSettleFailed(): void {
    const error = new Error('others have it already')
    this.#carry(this.#reports, () => this.#parts.context.report({ kind: 'settleFailed', error }))
  }

  #carry(path: NetworkPath, arrive: () => void): void {
    path.carry(() => {
      if (!this.isCut && this.isUp && this.process.isAlive) arrive()
    })
  }

  stall(forMs: number): void {
    this.#disturb()
    this.toBroker.stall(forMs)
    this.toClient.stall(forMs)
    this.#reports.stall(forMs)
  }

  /** Whatever was lent over this connection may be given to others. */
  expire(): void {
    for (const listener of this.#listeners) listener.lane?.expire(listener)
  }

  /** The link breaks now; each side notices in its own time. */
  cut(clientNoticesMs: number, brokerNoticesMs: number): void {
    this.#disturb()
    this.isCut = true
    this.process.after(clientNoticesMs, () => this.#lose())
    this.broker.world.after(brokerNoticesMs, () => this.#forget())
  }

  readonly #whenLost = new Set<(error: Error) => void>()

  #disturb(): void {
    this.#parts.recorder?.unreachable(this.process.name, this.role)
  }

  /** The core has no more use for it, and does not wait. */
  #giveUp(): void {
    if (!this.isUp) return
    this.isCut = true
    this.#end(new Error('given up'))
    this.broker.world.after(0, () => this.#forget())
  }

  #lose(): void {
    if (!this.isUp) return
    const error = new Error('the connection was reset')
    this.isUp = false
    this.#parts.context.report({ kind: 'lost', error })
    this.#end(error)
    this.process.after(0, () => this.broker.oracle.leasesLost(this.process))
  }

  #end(error: Error): void {
    this.isUp = false
    for (const listener of this.#listeners) listener.end(error)
    for (const reject of [...this.#whenLost]) reject(error)
    this.#whenLost.clear()
    this.sender.end(error)
  }

  #forget(): void {
    if (!this.isKnown) return
    this.isKnown = false
    this.broker.connections.delete(this)
    for (const listener of this.#listeners) listener.lane?.leave(listener)
  }
}
