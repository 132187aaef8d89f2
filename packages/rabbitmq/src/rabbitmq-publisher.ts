import { MessagingError, type Logger, type Outgoing, type SendFailure } from '@waybill/core/driver'
import type { ChannelModel, ConfirmChannel, Message } from 'amqplib'
import { ConfirmWindow, type SendBatch } from './rabbitmq-confirm-window.ts'
import { tooLargeMessage } from './rabbitmq-errors.ts'
import { contentOf, wireMessageOf, type PropertiesWriter } from './rabbitmq-message-mapper.ts'

export interface PublisherOptions {
  readonly model: ChannelModel
  readonly exchange: string
  readonly writer: PropertiesWriter
  readonly logger: Logger
  /** An entity that was there is gone, or leads nowhere. */
  readonly onMissing: () => void
}

/**
 * Publishes to one exchange, on an amqp channel of its own: RabbitMQ answers a publish to a missing exchange by closing
 * the amqp channel, with everything in flight on it.
 *
 * After such a close it opens another at once; until that is there, publishes fail fast. Conformance: SND-10, FLT-07.
 */
export class Publisher {
  readonly #options: PublisherOptions
  #amqpChannel: ConfirmChannel | undefined
  #window = new ConfirmWindow()
  #error: Error | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  async open(): Promise<void> {
    const amqpChannel = await this.#options.model.createConfirmChannel()
    const window = new ConfirmWindow()
    this.#window = window
    this.#amqpChannel = amqpChannel
    amqpChannel.on('ack', ({ deliveryTag, multiple }) => window.confirm(deliveryTag, multiple))
    amqpChannel.on('nack', ({ deliveryTag, multiple }) => window.confirm(deliveryTag, multiple, this.#refused()))
    amqpChannel.on('return', (message: Message) => this.#onReturn(message))
    amqpChannel.on('error', (error) => {
      this.#error = error
    })
    amqpChannel.on('close', () => this.#onClose())
  }

  /** Answers through `batch.done`, exactly once. Never throws. */
  publish(routingKey: string, batch: SendBatch, index: number): void {
    const { message } = batch.entries[index]!
    const { exchange, writer } = this.#options
    if (this.#amqpChannel === undefined) return batch.done(index, { error: this.#closed(), outcome: 'notSent' })
    try {
      this.#amqpChannel.publish(exchange, routingKey, contentOf(message), writer.write(message))
    } catch (error) {
      return batch.done(index, { error, outcome: 'notSent' })
    }
    this.#window.push(batch, index, routingKey)
  }

  /** Resolves once everything published is answered. */
  flush(): Promise<void> {
    return this.#window.empty()
  }

  /** Confirmed too, and before that returned, since it is mandatory: https://www.rabbitmq.com/docs/publishers#unroutable */
  #onReturn(message: Message): void {
    const { exchange, logger, onMissing } = this.#options
    const { routingKey } = message.fields
    onMissing()
    const what = exchange === '' ? `no queue "${routingKey}"` : `no group is bound to "${exchange}"`
    const error = new MessagingError('unroutable', `${what}: nobody would have got the message`, { system: 'rabbitmq' })
    const isKnown = this.#window.return(wireMessageOf(message).id, routingKey, { error, outcome: 'notSent' })
    if (!isKnown) logger.warn(`the broker returned a message that was not under way to "${exchange}"`)
  }

  #onClose(): void {
    const error = this.#error
    this.#error = undefined
    this.#amqpChannel = undefined
    const code = (error as { code?: number } | undefined)?.code
    if (code === 404) this.#options.onMissing()
    this.#window.failAll(failureAfter(error, code))
    if (error === undefined) return
    this.open().catch((failure: unknown) =>
      this.#options.logger.warn(`cannot publish to "${this.#options.exchange}"`, failure),
    )
  }

  /** A queue is full or has lost its majority. Another queue of the exchange may have taken it. */
  #refused(): SendFailure {
    const what = `the broker refused a message to "${this.#options.exchange}" (basic.nack)`
    return { error: new MessagingError('unavailable', what, { system: 'rabbitmq' }), outcome: 'unknown' }
  }

  #closed(): MessagingError {
    return new MessagingError('unavailable', `there is no amqp channel to "${this.#options.exchange}" now`, {
      system: 'rabbitmq',
    })
  }
}

/**
 * Tells the guilty from the innocent. A missing or forbidden exchange fails all that went to it; a message past the
 * broker's size limit fails alone; everything else, and the loss of the connection, is nobody's fault.
 */
function failureAfter(error: Error | undefined, code: number | undefined): (entry: Outgoing) => SendFailure {
  if (code === 403 || code === 404) return () => ({ error, outcome: 'unknown' })
  const interrupted: SendFailure = {
    error: new MessagingError('unavailable', 'the amqp channel closed before the broker answered', {
      system: 'rabbitmq',
      ...(error === undefined ? {} : { cause: error }),
    }),
    outcome: 'unknown',
  }
  const tooLarge = tooLargeMessage.exec(error?.message ?? '')
  if (tooLarge === null) return () => interrupted
  const maxBytes = Number(tooLarge[1])
  return ({ message }) => ((message.body?.byteLength ?? 0) > maxBytes ? { error, outcome: 'notSent' } : interrupted)
}
