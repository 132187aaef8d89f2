import type { ChannelRoute } from './connection-routes.ts'
import type { Address, Driver, DriverConnection } from './driver/driver.ts'
import type { WireMessage } from './driver/wire-message.ts'
import { closedError, isPermanent, Link } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import type { MessagingEvent } from './messaging-event.ts'
import { PendingSend } from './pending-send.ts'
import { Provisioner } from './provisioner.ts'
import type { Runtime } from './runtime.ts'
import { SendQueue } from './send-queue.ts'
import { TimerQueue } from './timer-queue.ts'
import type { ProvisionMode, TopologyNeed } from './topology-registry.ts'

/** Who wants to know of the receiving side's epochs: every consumer. */
export interface Attachment {
  /** A new epoch: listen again. */
  attach(connection: DriverConnection): void
  /** The epoch is over: every lease is lost. */
  detach(): void
}

export interface ConnectionOptions {
  readonly name: string
  readonly driver: Driver
  readonly runtime: Runtime
  readonly instance: string
  readonly onEvent: (event: MessagingEvent) => void
}

/** How long the core's own sends (retry copies, dead letters, redrives, replies) wait for the broker before they try anew. */
const ownSendDeadlineMs = 30_000

/** One named connection of the configuration: a link for each role, what they must provision, what waits to be sent. */
export class Connection {
  readonly name: string
  readonly driver: Driver
  readonly runtime: Runtime
  readonly sending: Link
  readonly receiving: Link
  readonly provisioner: Provisioner
  readonly timers: TimerQueue
  readonly #options: ConnectionOptions
  readonly #attachments: Attachment[] = []
  readonly #queues = new Map<string, SendQueue>()
  readonly #producerQueues: SendQueue[] = []
  readonly #members = new Map<string, number>()
  #up = false
  #closed = false

  constructor(options: ConnectionOptions) {
    this.name = options.name
    this.driver = options.driver
    this.runtime = options.runtime
    this.#options = options
    this.timers = new TimerQueue(options.runtime.clock)
    this.sending = this.#link('send')
    this.receiving = this.#link('receive')
    const { driver, runtime, timers, sending, receiving } = this
    const onFault = (error: MessagingError, channel: string): void => this.fault(error, { channel })
    this.provisioner = new Provisioner({ driver, runtime, timers, sending, receiving, onFault })
  }

  get isUp(): boolean {
    return this.sending.connection !== undefined && this.receiving.connection !== undefined
  }

  /** Rejects, and leaves nothing open, when either role cannot connect within `waitMs`. */
  async start(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const started = await Promise.allSettled([this.sending.start(waitMs, signal), this.receiving.start(waitMs, signal)])
    const failed = started.find((each) => each.status === 'rejected')
    if (failed === undefined) return
    await this.close()
    throw failed.reason
  }

  /** Makes sure that a channel is there as needed, now and in every later epoch. */
  provision(need: TopologyNeed, route: ChannelRoute, mode?: ProvisionMode): Promise<void> {
    return this.provisioner.provision(need, route, mode)
  }

  /**
   * Takes a place in a group; the answer gives it back. Members of other processes are not seen here.
   *
   * @throws MessagingError `unsupported` when the broker lets a group have no more of them. Conformance: CAP-01.
   */
  join(channel: string, group: string): () => void {
    const place = `${channel}\n${group}`
    const members = this.#members.get(place) ?? 0
    const { membersPerGroup } = this.driver.capabilities
    if (members >= membersPerGroup) throw this.#full(channel, group, membersPerGroup)
    this.#members.set(place, members + 1)
    return () => void this.#members.set(place, (this.#members.get(place) ?? 1) - 1)
  }

  attach(attachment: Attachment): void {
    this.#attachments.push(attachment)
    if (this.receiving.connection !== undefined) attachment.attach(this.receiving.connection)
  }

  detach(attachment: Attachment): void {
    const index = this.#attachments.indexOf(attachment)
    if (index >= 0) this.#attachments.splice(index, 1)
  }

  /** The queue of an address, made on first use. */
  queueFor(address: Address, keyed: boolean, onIdle?: () => void): SendQueue {
    const name = nameOf(address)
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = this.newQueue(address, keyed, onIdle)
      this.#queues.set(name, queue)
    }
    return queue
  }

  newQueue(address: Address, keyed: boolean, onIdle?: () => void): SendQueue {
    const { driver, runtime } = this
    const onMissing = (): void => this.provisioner.rebuild(address.channel)
    return new SendQueue({ address, keyed, driver, link: this.sending, runtime, onMissing, onIdle })
  }

  /** A send of the core's own; resolves when confirmed. */
  sendOwn(address: Address, message: WireMessage, delayMs?: number): Promise<void> {
    if (this.#closed) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      const deadlineAt = this.runtime.clock.monotonic() + ownSendDeadlineMs
      const queue = this.queueFor(address, false, () => this.#retire(address))
      queue.add(new PendingSend(message, delayMs, deadlineAt, () => resolve(), reject))
    })
  }

  /** Groups come and go (each requester has its own): a queue to one lives as long as it has something on its way. */
  #retire(address: Address): void {
    const name = nameOf(address)
    this.#queues.get(name)?.close()
    this.#queues.delete(name)
  }

  emit(event: Omit<MessagingEvent, 'connection'>): void {
    this.#options.onEvent({ ...event, connection: this.name })
  }

  fault(error: Error, about: { channel?: string; group?: string; messageId?: string } = {}): void {
    this.emit({ type: 'fault', error, ...about })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.provisioner.close()
    for (const queue of this.#queues.values()) queue.close()
    await Promise.all([this.sending.close(), this.receiving.close()])
    this.timers.clear()
  }

  /** Resolves once nothing of the core's own is on its way. */
  async flushed(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => (queue.pending === 0 ? undefined : queue.settled())))
  }

  #full(channel: string, group: string, membersPerGroup: number): MessagingError {
    const { system } = this.driver
    const why = `a group can have ${membersPerGroup} member(s); raise the concurrency of the one that is there instead`
    return new MessagingError(
      'unsupported',
      `cannot consume "${channel}" as "${group}" once more on ${system}: ${why}`,
      {
        ...{ channel, group, system },
      },
    )
  }

  #link(role: 'send' | 'receive'): Link {
    const { driver, runtime, instance } = this.#options
    return new Link({
      driver,
      role,
      instance,
      runtime,
      observer: {
        restore: (connection) => this.provisioner.restore(connection),
        up: (connection) => this.#onUp(role, connection),
        down: (error) => this.#onDown(role, error),
        fault: (error) => this.#onFault(role, error),
        unblocked: () => this.#wake(),
      },
    })
  }

  #onUp(role: 'send' | 'receive', connection: DriverConnection): void {
    if (role === 'send') this.#wake()
    else for (const attachment of [...this.#attachments]) attachment.attach(connection)
    queueMicrotask(() => {
      if (!this.isUp || this.#up) return
      this.#up = true
      this.emit({ type: 'connected' })
    })
  }

  #onDown(role: 'send' | 'receive', error: MessagingError): void {
    if (role === 'receive') for (const attachment of [...this.#attachments]) attachment.detach()
    if (!this.#up) return
    this.#up = false
    this.emit({ type: 'disconnected', error })
  }

  /** A try to reconnect that failed. When it is of no use to go on, whoever waits to send is told. */
  #onFault(role: 'send' | 'receive', error: MessagingError): void {
    this.fault(error)
    if (role !== 'send' || !isPermanent(error) || this.sending.connection !== undefined) return
    for (const queue of this.#allQueues()) queue.fail(error)
  }

  #wake(): void {
    for (const queue of this.#allQueues()) queue.wake()
  }

  /** Queues of producers, which have a window of their own. */
  own(queue: SendQueue): void {
    this.#producerQueues.push(queue)
  }

  disown(queue: SendQueue): void {
    const index = this.#producerQueues.indexOf(queue)
    if (index >= 0) this.#producerQueues.splice(index, 1)
  }

  *#allQueues(): Iterable<SendQueue> {
    yield* this.#queues.values()
    yield* this.#producerQueues
  }
}

function nameOf({ channel, group, lane }: Address): string {
  return `${channel}\n${group ?? ''}\n${lane ?? ''}`
}
