import {
  MessagingError,
  SharedLease,
  type DriverContext,
  type Listener,
  type ListenRequest,
  type OnDelivery,
  type Settlement,
} from '@waybill/core/driver'
import type { Channel, ChannelModel, ConsumeMessage, Message } from 'amqplib'
import { consumerPriorities } from './rabbitmq-priorities.ts'
import { QueueConsumer } from './rabbitmq-queue-consumer.ts'
import { positionOf, QueueDelivery } from './rabbitmq-queue-delivery.ts'

export interface ListenerOptions {
  readonly model: ChannelModel
  readonly request: ListenRequest
  /** Existing queues, or what makes one. More than one: the shards of a group that keeps order per key. */
  readonly queues: readonly (string | ((amqpChannel: Channel) => Promise<string>))[]
  /** Whether only one consumer at a time gets messages of a queue. */
  readonly isExclusive: boolean
  readonly context: DriverContext
  readonly onDelivery: OnDelivery
  /** The queue may be gone. */
  readonly onMissing: () => void
  /** Nothing is delivered or settled any more. */
  readonly onOver: (listener: QueueListener) => void
}

/** Deliveries from a group: one consumer per queue, one lease for all. Conformance: SET-01, SET-13, SET-15, FLW-01. */
export class QueueListener implements Listener {
  readonly ended: Promise<unknown>
  readonly #options: ListenerOptions
  readonly #lease = new SharedLease()
  readonly #waiting: [message: ConsumeMessage, consumer: QueueConsumer][] = []
  #consumers: QueueConsumer[] = []
  #unresolved = 0
  #isOver = false
  #end!: (error: unknown) => void

  private constructor(options: ListenerOptions) {
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  static async open(options: ListenerOptions): Promise<QueueListener> {
    const listener = new QueueListener(options)
    await listener.#open()
    return listener
  }

  /** What was not handed on yet goes back unseen. */
  async drain(): Promise<void> {
    const drained = this.#consumers.map((consumer) => consumer.drain())
    for (const [message, consumer] of this.#waiting.splice(0)) consumer.release(message)
    await Promise.all(drained)
    this.#isOver = true
    this.#options.onOver(this)
  }

  /** Messages that were not handed on yet, here or at the broker; none is between the two. */
  async countReady(): Promise<number> {
    const counts = await Promise.all(this.#consumers.map((consumer) => consumer.countReady()))
    return counts.reduce((sum, count) => sum + count, this.#waiting.length)
  }

  async #open(): Promise<void> {
    const { queues, isExclusive, context } = this.#options
    const priorities = isExclusive ? consumerPriorities(queues.length, context.random) : []
    const opened = await Promise.allSettled(
      queues.map((queue, index) => this.#consumer(queue, index, priorities[index])),
    )
    this.#consumers = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = opened.find((each) => each.status === 'rejected')
    if (failed === undefined) return
    this.#fail(failed.reason)
    throw failed.reason
  }

  #consumer(
    queue: ListenerOptions['queues'][number],
    index: number,
    priority: number | undefined,
  ): Promise<QueueConsumer> {
    const { model, request, queues, isExclusive } = this.#options
    return QueueConsumer.open({
      model,
      queue,
      prefetch: this.#prefetch,
      share: shareOf(request.maxInFlight, queues.length, index),
      ...(priority === undefined ? {} : { priority }),
      givesBackAtEnd: isExclusive || request.temporary === true,
      onMessage: (message, consumer) => this.#onMessage(message, consumer),
      onSettleFailed: (message, consumer, error) => this.#settleFailed(message, consumer, error),
      onEnd: (error) => this.#fail(error),
    })
  }

  /** What is over the window waits here, and what is over a shard's part of it. */
  #onMessage(message: ConsumeMessage, consumer: QueueConsumer): void {
    if (this.#hasRoomFor(consumer)) this.#handOn(message, consumer)
    else if (this.#unresolved + this.#waiting.length < this.#most) this.#waiting.push([message, consumer])
    else this.#overrun()
  }

  /** What the broker may deliver before anything of it is settled. */
  get #most(): number {
    return this.#options.queues.length * this.#prefetch
  }

  get #prefetch(): number {
    const { isExclusive, request } = this.#options
    return isExclusive ? shardPrefetch : Math.min(request.maxInFlight, maxPrefetch)
  }

  /** It keeps no bound, so it would fill our memory: the connection ends. Conformance: ERR-07. */
  #overrun(): void {
    if (this.#isOver) return
    const what = `the broker delivers more than the ${this.#most} messages it may before any is settled`
    this.#options.model.emit('error', new MessagingError('internal', what, { system: 'rabbitmq' }))
  }

  #hasRoomFor(consumer: QueueConsumer): boolean {
    return consumer.hasRoom && this.#unresolved < this.#options.request.maxInFlight
  }

  #handOnWaiting(): void {
    const index = this.#waiting.findIndex(([, consumer]) => this.#hasRoomFor(consumer))
    const [next] = index < 0 ? [] : this.#waiting.splice(index, 1)
    if (next !== undefined) this.#handOn(...next)
  }

  #handOn(message: ConsumeMessage, consumer: QueueConsumer): void {
    this.#unresolved++
    consumer.handOn()
    const delivery = new QueueDelivery(message, this.#lease, consumer.queue)
    void this.#options.onDelivery(delivery).then((settlement) => this.#settle(message, consumer, settlement))
  }

  #settle(message: ConsumeMessage, consumer: QueueConsumer, settlement: Settlement): void {
    this.#unresolved--
    if (settlement.kind === 'accept') consumer.accept(message)
    else this.#giveBack(message, consumer, settlement)
    consumer.resolved()
    if (this.#waiting.length > 0) this.#handOnWaiting()
  }

  #giveBack(message: ConsumeMessage, consumer: QueueConsumer, { kind }: Settlement): void {
    consumer.release(message)
    if (kind === 'release') return
    const error = new MessagingError('unsupported', `RabbitMQ has no settlement "${kind}"; released instead`)
    this.#settleFailed(message, consumer, error)
  }

  #settleFailed(message: Message, { queue }: QueueConsumer, error: unknown): void {
    this.#options.context.report({ kind: 'settleFailed', position: positionOf(message, queue), error })
  }

  /** One queue of it ended: all that is unsettled goes back, and nothing of it is settled here any more. */
  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#waiting.length = 0
    this.#options.onMissing()
    this.#options.onOver(this)
    for (const consumer of this.#consumers) void consumer.close()
    this.#lease.lose()
    this.#end(error)
  }
}

/** At least one each: a queue that may deliver nothing would starve. */
function shareOf(maxInFlight: number, queues: number, index: number): number {
  const share = Math.floor(maxInFlight / queues) + (index < maxInFlight % queues ? 1 : 0)
  return Math.max(share, 1)
}

/** A 16-bit field: https://www.rabbitmq.com/amqp-0-9-1-reference#basic.qos.prefetch-count */
export const maxPrefetch = 65_535

/**
 * What a shard's consumer holds at most, the same for all members, whatever their concurrency.
 *
 * RabbitMQ gives back messages behind those that were given back before. Order survives that as long as each consumer
 * takes all that its predecessor gave back: one that held fewer and gave those back in turn would put them behind the
 * rest (seen on 4.0.5).
 */
const shardPrefetch = 16
