import { SharedLease, type DriverContext, type Listener, type OnDelivery, type Timer } from '@waybill/core/driver'
import type { ChannelModel, ConsumeMessage } from 'amqplib'
import { maxPrefetch } from './rabbitmq-listener.ts'
import { QueueConsumer } from './rabbitmq-queue-consumer.ts'
import { positionOf, QueueDelivery } from './rabbitmq-queue-delivery.ts'

export interface BrowserOptions {
  readonly model: ChannelModel
  readonly queue: string
  readonly context: DriverContext
  readonly onDelivery: OnDelivery
  /** How many messages are in the queue, ready to be delivered. */
  readonly countReady: () => Promise<number>
}

/** Longest time without a delivery before looking whether another consumer has got the rest. */
const stallMs = 250
/** How long the broker may take to make messages ready again that an amqp channel held which is closed now. */
const returnMs = 50
const maxReturnMs = 2_000

/**
 * Looks at what is in a queue now: all of it is taken, held, and given back in its order at `drain`.
 *
 * By consuming rather than `basic.get`, which takes 60 times as long (10,000 messages of a quorum queue: 65 ms against
 * 3.9 s on eight amqp channels, RabbitMQ 4.0.5).
 */
export class QueueBrowser implements Listener {
  readonly ended: Promise<unknown>
  readonly #options: BrowserOptions
  readonly #lease = new SharedLease()
  readonly #total: number
  #consumers: QueueConsumer[] = []
  #seen = 0
  #seenAtLastLook = 0
  #accepted = 0
  #timer: Timer | undefined
  #isOver = false
  #end!: (error: unknown) => void

  private constructor(options: BrowserOptions, total: number) {
    this.#options = options
    this.#total = total
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  static async open(options: BrowserOptions): Promise<QueueBrowser> {
    const browser = new QueueBrowser(options, await steadyCount(options))
    try {
      await browser.#open()
    } catch (error) {
      browser.#fail(error)
      throw error
    }
    return browser
  }

  async drain(): Promise<void> {
    this.#finish(undefined)
    if (this.#consumers.length === 0) return
    await Promise.all(this.#consumers.map((consumer) => consumer.drain()))
    await this.#givenBack()
  }

  /** Whoever looks next must find what was held here: closing an amqp channel does not wait for its messages. */
  async #givenBack(): Promise<void> {
    const { context, countReady } = this.#options
    for (let waitedMs = 0; waitedMs < maxReturnMs; waitedMs += returnMs) {
      if (this.#lease.state === 'lost' || (await countReady()) >= this.#seen - this.#accepted) return
      await pause(context, returnMs)
    }
  }

  /** A consumer holds 65,535 messages at most. */
  async #open(): Promise<void> {
    if (this.#total === 0) return this.#finish(undefined)
    this.#watch()
    for (let left = this.#total; left > 0; left -= maxPrefetch) {
      this.#consumers.push(
        await QueueConsumer.open({
          model: this.#options.model,
          queue: this.#options.queue,
          prefetch: Math.min(left, maxPrefetch),
          givesBackAtEnd: true,
          onMessage: (message, consumer) => this.#onMessage(message, consumer),
          onSettleFailed: (message, { queue }, error) =>
            this.#options.context.report({ kind: 'settleFailed', position: positionOf(message, queue), error }),
          onEnd: (error) => this.#fail(error),
        }),
      )
    }
  }

  /** What came after the beginning is held too, but not shown. */
  #onMessage(message: ConsumeMessage, consumer: QueueConsumer): void {
    if (this.#seen >= this.#total) return
    this.#seen++
    consumer.handOn()
    const delivery = new QueueDelivery(message, this.#lease, consumer.queue)
    void this.#options.onDelivery(delivery).then(({ kind }) => {
      if (kind === 'accept') this.#accept(message, consumer)
      consumer.resolved()
    })
    if (this.#seen === this.#total) this.#finish(undefined)
  }

  #accept(message: ConsumeMessage, consumer: QueueConsumer): void {
    this.#accepted++
    consumer.accept(message)
  }

  /** Another consumer may take some between the count and us: then the end is when nothing more is ready. */
  #watch(): void {
    if (this.#isOver) return
    this.#timer = this.#options.context.clock.after(stallMs, () => {
      const isStalled = this.#seen === this.#seenAtLastLook
      this.#seenAtLastLook = this.#seen
      if (!isStalled) return this.#watch()
      this.#options.countReady().then(
        (ready) => (ready === 0 ? this.#finish(undefined) : this.#watch()),
        (error: unknown) => this.#fail(error),
      )
    })
  }

  #finish(error: unknown): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#end(error)
  }

  #fail(error: unknown): void {
    for (const consumer of this.#consumers) void consumer.close()
    this.#lease.lose()
    this.#finish(error)
  }
}

/** The greater of two counts: what somebody has just stopped looking at is on its way back. */
async function steadyCount({ context, countReady }: BrowserOptions): Promise<number> {
  const first = await countReady()
  await pause(context, returnMs)
  return Math.max(first, await countReady())
}

function pause({ clock }: DriverContext, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve))
}
