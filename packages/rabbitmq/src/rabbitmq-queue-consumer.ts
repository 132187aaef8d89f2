import { MessagingError } from '@waybill/core/driver'
import type { Channel, ChannelModel, ConsumeMessage, Message, Options } from 'amqplib'
import { Acknowledger } from './rabbitmq-acknowledger.ts'

export interface QueueConsumerOptions {
  readonly model: ChannelModel
  /** The queue to consume, or what makes one that lives on this amqp channel. */
  readonly queue: string | ((amqpChannel: Channel) => Promise<string>)
  readonly prefetch: number
  /** How many of these may be handed on and unresolved. Default: all. */
  readonly share?: number
  readonly priority?: number
  /** Whether what is unsettled is kept until the end, and given back all at once, in its order. */
  readonly givesBackAtEnd: boolean
  readonly onMessage: (message: ConsumeMessage, consumer: QueueConsumer) => void
  /** An accepted message did not reach the broker. */
  readonly onSettleFailed: (message: Message, consumer: QueueConsumer, error: unknown) => void
  /** Not by our doing: cancelled by the broker, or closed with an error. */
  readonly onEnd: (error: unknown) => void
}

/** One consumer of one queue, on an amqp channel of its own: what it delivered is settled there and nowhere else. */
export class QueueConsumer {
  readonly #options: QueueConsumerOptions
  readonly #amqpChannel: Channel
  readonly #acknowledger: Acknowledger
  readonly queue: string
  #consumerTag = ''
  #isOpen = true
  #isDraining = false
  #unresolved = 0
  #onIdle: (() => void) | undefined
  #error: unknown

  private constructor(options: QueueConsumerOptions, amqpChannel: Channel, queue: string) {
    this.#options = options
    this.#amqpChannel = amqpChannel
    this.queue = queue
    const onFailure = (message: Message, error: unknown) => options.onSettleFailed(message, this, error)
    this.#acknowledger = new Acknowledger({ amqpChannel, onFailure })
    amqpChannel.on('error', (error) => {
      this.#error = error
    })
    amqpChannel.on('close', () => this.#onClose())
  }

  /** Resolves once the broker delivers. Leaves no amqp channel behind when it rejects. */
  static async open(options: QueueConsumerOptions): Promise<QueueConsumer> {
    const amqpChannel = await options.model.createChannel()
    amqpChannel.on('error', () => {})
    try {
      const queue = typeof options.queue === 'string' ? options.queue : await options.queue(amqpChannel)
      const consumer = new QueueConsumer(options, amqpChannel, queue)
      await consumer.#consume()
      return consumer
    } catch (error) {
      await amqpChannel.close().catch(() => {})
      throw error
    }
  }

  get hasRoom(): boolean {
    return this.#unresolved < (this.#options.share ?? Infinity)
  }

  /** Counts a delivery that was handed on; `resolved` ends it. */
  handOn(): void {
    this.#unresolved++
  }

  resolved(): void {
    if (--this.#unresolved === 0) this.#onIdle?.()
  }

  /**
   * How many messages wait, once all that were on their way to this consumer when the broker counted have arrived.
   *
   * The broker's amqp channel process answers the count before it sends on deliveries that reached it earlier; those
   * come before its next answer, which is asked for here.
   */
  async countReady(): Promise<number> {
    const { messageCount } = await this.#amqpChannel.checkQueue(this.queue)
    await this.#amqpChannel.prefetch(this.#options.prefetch)
    return messageCount
  }

  accept(message: ConsumeMessage): void {
    this.#acknowledger.accept(message)
  }

  /**
   * Gives a message back at once, or at the end.
   *
   * By `basic.nack`, which is no failed delivery to RabbitMQ from 4.3 on; until then each way of giving back counts
   * towards the delivery limit: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
   */
  release(message: ConsumeMessage): void {
    const isKept = this.#options.givesBackAtEnd && this.#isDraining
    if (this.#isOpen && !isKept) this.#acknowledger.release(message)
  }

  /**
   * No new deliveries; waits until those handed on are resolved; makes sure that the broker has every settlement; gives
   * back the rest by closing.
   */
  async drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      if (!this.#options.givesBackAtEnd) await this.#amqpChannel.cancel(this.#consumerTag)
      await this.#idle()
      this.#acknowledger.flush()
      if (this.#isOpen && typeof this.#options.queue === 'string') await this.#flush(this.#options.queue)
      await this.close()
    } catch (error) {
      if (this.#isOpen) throw error
    }
  }

  /** Everything unsettled goes back to the queue, in its order. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#acknowledger.flush()
    this.#isOpen = false
    await this.#amqpChannel.close().catch(() => {})
  }

  async #consume(): Promise<void> {
    const { prefetch, priority } = this.#options
    await this.#amqpChannel.prefetch(prefetch)
    const options: Options.Consume = priority === undefined ? {} : { priority }
    const onMessage = (message: ConsumeMessage | null) => this.#onMessage(message)
    this.#consumerTag = (await this.#amqpChannel.consume(this.queue, onMessage, options)).consumerTag
  }

  #onMessage(message: ConsumeMessage | null): void {
    if (message === null) return this.#end(cancelled(this.queue))
    this.#acknowledger.delivered()
    if (this.#isDraining) this.release(message)
    else this.#options.onMessage(message, this)
  }

  #idle(): Promise<void> {
    if (this.#unresolved === 0 || !this.#isOpen) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  /**
   * Two round trips through the queue itself, in the order of the settlements before them. Without them a quorum queue
   * loses acknowledgements that wait in the broker's amqp channel process for the Raft log when that channel closes:
   * of 5,000 in one go up to 2,800 came back (RabbitMQ 4.0.5).
   */
  async #flush(queue: string): Promise<void> {
    await this.#amqpChannel.prefetch(1)
    const { consumerTag } = await this.#amqpChannel.consume(queue, () => {}, { priority: lowestPriority })
    await this.#amqpChannel.cancel(consumerTag)
  }

  #onClose(): void {
    if (this.#isOpen) this.#end(this.#error ?? new MessagingError('unavailable', `no longer consuming "${this.queue}"`))
  }

  #end(error: unknown): void {
    void this.close()
    this.#onIdle?.()
    this.#options.onEnd(error)
  }
}

/** Less than any listener's, so that it takes nothing from them. https://www.rabbitmq.com/docs/consumer-priority */
const lowestPriority = -1_000_000

function cancelled(queue: string): MessagingError {
  const what = `the broker cancelled the consumer of "${queue}": the queue was deleted, or its node is down`
  return new MessagingError('unavailable', what, { system: 'rabbitmq' })
}
