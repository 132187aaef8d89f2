import type {
  Address,
  Capabilities,
  Driver,
  DriverConnection,
  DriverContext,
  Inspection,
  Listener,
  ListenRequest,
  OnDelivery,
  Outgoing,
  SendDone,
  Topology,
  TopologyReport,
} from '@waybill/core/driver'
import type { LiveConnection } from './live-connection.ts'
import { FaultySender } from './faulty-sender.ts'
import type { MemoryBroker } from './memory-broker.ts'
import { connectionClosed, connectionLost, notFound } from './memory-errors.ts'
import type { CrashPoint } from './memory-faults.ts'
import type { MemoryLane } from './memory-lane.ts'
import type { LiveListener } from './memory-listener.ts'
import { failFrom, MemorySender } from './memory-sender.ts'
import { MemoryNames } from './memory-names.ts'
import { inspect } from './memory-inspection.ts'
import { subscribe } from './memory-subscription.ts'
import { provision } from './memory-topology.ts'
import type { StoredMessage } from './stored-message.ts'

export interface ConnectionOptions {
  readonly driver: Driver
  readonly broker: MemoryBroker
  readonly capabilities: Capabilities
  readonly context: DriverContext
}

/** One epoch of one role. */
export class MemoryConnection implements DriverConnection, LiveConnection {
  readonly driver: Driver
  readonly role: 'send' | 'receive'
  readonly #options: ConnectionOptions
  readonly #names: MemoryNames
  readonly #sender: MemorySender
  readonly #faultySender: FaultySender
  readonly #listeners = new Set<LiveListener>()
  /** Why nothing works any more. */
  #over: Error | undefined
  #closed: Promise<void> | undefined

  constructor(options: ConnectionOptions) {
    const { driver, broker, capabilities, context } = options
    this.driver = driver
    this.role = context.role
    this.#options = options
    this.#names = new MemoryNames(broker.channels)
    this.#sender = new MemorySender({ broker, capabilities, clock: context.clock, names: this.#names })
    this.#faultySender = new FaultySender(this.#sender, broker.faults, capabilities.send, () => this.crash())
    broker.connections.add(this)
    broker.schedule.attach(context.clock)
    context.signal.addEventListener('abort', this.#giveUp, { once: true })
    if (broker.faults.isBlocked) this.blockedChanged(true)
  }

  async provision(topology: Topology, mode: 'create' | 'verify' | 'known'): Promise<TopologyReport> {
    this.#check()
    return this.#crashAround('provision', () => {
      const { broker, capabilities } = this.#options
      return provision({ broker, capabilities, names: this.#names }, topology, mode)
    })
  }

  send(to: Address, batch: readonly Outgoing[], done: SendDone): void {
    if (this.#over !== undefined) failFrom(0, batch.length, done, { error: this.#over, outcome: 'notSent' })
    else if (this.#options.broker.faults.isActive || this.#faultySender.hasOpen)
      this.#faultySender.send(to, batch, done)
    else this.#sender.send(to, batch, done)
  }

  async listen(request: ListenRequest, onDelivery: OnDelivery): Promise<Listener> {
    this.#check()
    return this.#crashAround('listen', () => {
      const { broker, capabilities, context } = this.#options
      const listener = subscribe(
        { broker, capabilities, context, names: this.#names, crash: () => this.crash() },
        { request, onDelivery, onGone: () => this.#listeners.delete(listener) },
      )
      this.#listeners.add(listener)
      return listener
    })
  }

  async inspect(address: Address, signal: AbortSignal): Promise<Inspection> {
    this.#check()
    signal.throwIfAborted()
    return inspect(this.#names, address, this.#options.capabilities, this.#options.context.clock)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  lose(error: unknown): void {
    if (this.#over !== undefined) return
    queueMicrotask(() => this.#options.context.report({ kind: 'lost', error }))
    this.#end(connectionLost(), error)
  }

  crash(): void {
    this.lose(connectionLost())
  }

  blockedChanged(isBlocked: boolean): void {
    if (this.role === 'send') this.#options.context.report({ kind: isBlocked ? 'blocked' : 'unblocked' })
    if (!isBlocked) this.#faultySender.proceed()
  }

  confirm(limit: number): number {
    return this.#faultySender.confirm(limit)
  }

  cancelListeners(error: unknown): void {
    for (const listener of [...this.#listeners]) listener.cancel(error)
  }

  recallLeases(): void {
    for (const listener of [...this.#listeners]) listener.recallLease()
  }

  loseLeases(): void {
    for (const listener of [...this.#listeners]) listener.loseLease()
  }

  laneRemoved(lanes: ReadonlySet<MemoryLane>): void {
    for (const listener of [...this.#listeners]) {
      if (lanes.has(listener.lane)) listener.abandon(notFound(`"${listener.lane.name}"`))
    }
  }

  unsettledOf(lane: MemoryLane): StoredMessage[] {
    return [...this.#listeners].flatMap((listener) => (listener.lane === lane ? [...listener.unsettled()] : []))
  }

  async #close(): Promise<void> {
    await this.#faultySender.flushed()
    this.#end(connectionClosed(), connectionClosed())
  }

  readonly #giveUp = (): void => this.#end(connectionClosed(), connectionClosed())

  #end(over: Error, error: unknown): void {
    if (this.#over !== undefined) return
    const { broker, context } = this.#options
    this.#over = over
    context.signal.removeEventListener('abort', this.#giveUp)
    broker.connections.delete(this)
    for (const listener of [...this.#listeners]) listener.abandon(error)
    this.#faultySender.lose()
    broker.schedule.detach(context.clock)
    if (broker.connections.size === 0) broker.turns.stop()
  }

  #check(): void {
    if (this.#over !== undefined) throw this.#over
  }

  /** Does the work, unless a fault cuts the connection before or after it. */
  #crashAround<T>(point: CrashPoint, work: () => T): T {
    const { faults } = this.#options.broker
    if (faults.crashes(point, 'before')) this.crash()
    this.#check()
    const result = work()
    if (faults.crashes(point, 'after')) this.crash()
    this.#check()
    return result
  }
}
