import type { Channel, ChannelModel } from 'amqplib'

/** How many declarations run at once; amqplib runs those of one amqp channel one after the other. */
const maxLoans = 8

/**
 * Amqp channels for calls that may fail: a failure closes the channel it was made on, and no other.
 *
 * A few serve any number of callers; who finds none free waits its turn.
 */
export class ChannelLoans {
  readonly #model: ChannelModel
  readonly #free: Channel[] = []
  readonly #waiting: (() => void)[] = []
  #lent = 0

  constructor(model: ChannelModel) {
    this.#model = model
  }

  /** Resolves or rejects as `work` does. */
  async use<T>(work: (amqpChannel: Channel) => Promise<T>): Promise<T> {
    if (this.#lent >= maxLoans) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#lent++
    try {
      const amqpChannel = this.#free.pop() ?? (await this.#open())
      const result = await work(amqpChannel)
      this.#free.push(amqpChannel)
      return result
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#lent--
      else next()
    }
  }

  async #open(): Promise<Channel> {
    const amqpChannel = await this.#model.createChannel()
    amqpChannel.on('error', ignore)
    return amqpChannel
  }
}

/** The call that it closes rejects with the same error. */
function ignore(): void {}
