import type { Message } from 'amqplib'

/** What of an amqp channel it takes to settle. */
export interface SettlingChannel {
  ack(message: Message, allUpTo: boolean): void
  nack(message: Message, allUpTo: boolean, requeue: boolean): void
}

export interface AcknowledgerOptions {
  readonly amqpChannel: SettlingChannel
  /** An acknowledgement could not be sent: the message will come again. */
  readonly onFailure: (message: Message, error: unknown) => void
}

/**
 * Settles on one amqp channel, with one frame for all that is accepted in a turn of the event loop where that is exact:
 * when nothing else on the amqp channel is unsettled, so that "all up to the last" is just these.
 */
export class Acknowledger {
  readonly #options: AcknowledgerOptions
  #accepted: Message[] = []
  #unsettled = 0

  constructor(options: AcknowledgerOptions) {
    this.#options = options
  }

  /** Every message that the amqp channel delivers must be told of. */
  delivered(): void {
    this.#unsettled++
  }

  /** Sent at the end of this turn, or by `flush`. */
  accept(message: Message): void {
    if (this.#accepted.push(message) === 1) process.nextTick(this.flush)
  }

  release(message: Message): void {
    this.#options.amqpChannel.nack(message, false, true)
    this.#unsettled--
  }

  readonly flush = (): void => {
    const accepted = this.#accepted
    if (accepted.length === 0) return
    this.#accepted = []
    const isAll = accepted.length === this.#unsettled
    this.#unsettled -= accepted.length
    try {
      if (isAll) this.#options.amqpChannel.ack(accepted.reduce(later), true)
      else for (const message of accepted) this.#options.amqpChannel.ack(message, false)
    } catch (error) {
      for (const message of accepted) this.#options.onFailure(message, error)
    }
  }
}

function later(one: Message, other: Message): Message {
  return one.fields.deliveryTag > other.fields.deliveryTag ? one : other
}
