import { setImmediate as nextTurn } from 'node:timers/promises'
import { bytes, type Channel, channel, type Consumer, type Messaging, type Producer } from '@waybill/core'
import { connectWith, type Runtime, systemRuntime } from '@waybill/core/driver'
import { createMemoryBroker, memory, type MemoryBroker } from '@waybill/memory'
import { passThrough } from './pass-through.ts'
import { pipelined } from './pipelined.ts'

export interface PipelineOptions {
  readonly channels: number
  /** Pass-through stages around each handler. */
  readonly stages: number
  /** Whether they are around each send, too. */
  readonly aroundSends?: boolean
  /** Deliveries in flight per channel. */
  readonly concurrency: number
  readonly runtime?: Runtime
}

const group = 'all'
/** Sends unconfirmed at a time, over all channels. */
const window = 256
const body = Buffer.alloc(100, 'x')

/** The whole way in memory: send with confirm, deliver, handle, settle. */
export class MemoryPipeline {
  readonly #broker: MemoryBroker
  readonly #messaging: Messaging
  readonly #channels: readonly Channel[]
  readonly #producers: readonly Producer<any>[]
  readonly #concurrency: number
  readonly #consumers: Consumer[] = []
  #next = 0
  #left = 0
  #onHandled: (() => void) | undefined

  private constructor(
    parts: {
      broker: MemoryBroker
      messaging: Messaging
      channels: readonly Channel[]
      producers: readonly Producer<any>[]
    },
    concurrency: number,
  ) {
    this.#broker = parts.broker
    this.#messaging = parts.messaging
    this.#channels = parts.channels
    this.#producers = parts.producers
    this.#concurrency = concurrency
  }

  static async open(options: PipelineOptions): Promise<MemoryPipeline> {
    const broker = createMemoryBroker()
    const middleware = passThrough(options.stages, { send: options.aroundSends ?? false })
    const messaging = await connectWith(options.runtime ?? systemRuntime, memory({ broker }), { middleware })
    const channels = Array.from({ length: options.channels }, (_, index) =>
      channel(`bench-${index}`, { schema: bytes, groups: [group] }),
    )
    const producers = await Promise.all(channels.map((each) => messaging.producer(each)))
    return new MemoryPipeline({ broker, messaging, channels, producers }, options.concurrency)
  }

  /** One consumer for each channel. */
  async consume(): Promise<void> {
    const options = { group, concurrency: this.#concurrency }
    const handler = async (): Promise<void> => this.#handled()
    for (const each of this.#channels) this.#consumers.push(await this.#messaging.consume(each, options, handler))
  }

  /** Ends the consumers: what is sent from now on stays. */
  async withdraw(): Promise<void> {
    await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.close()))
  }

  /** Sends to each channel in turn; resolves when all are confirmed. */
  send(messages: number): Promise<void> {
    const producers = this.#producers
    return pipelined(messages, window, (confirmed, failed) => {
      const producer = producers[this.#next] as Producer<any>
      this.#next = this.#next + 1 === producers.length ? 0 : this.#next + 1
      void producer.send(body).then(confirmed, failed)
    })
  }

  /** Sends, and resolves when all are confirmed, handled and settled. */
  async pass(messages: number): Promise<void> {
    const handled = this.expect(messages)
    await this.send(messages)
    await handled
  }

  /** Resolves when so many more were handled and nothing is unsettled. */
  async expect(messages: number): Promise<void> {
    this.#left += messages
    await new Promise<void>((resolve) => {
      this.#onHandled = resolve
    })
    while (!this.#broker.isQuiet) await nextTurn()
  }

  async close(): Promise<void> {
    await this.withdraw()
    for (const { name } of this.#channels) {
      const { ready, unsettled } = this.#broker.depth({ channel: name, group })
      if (ready + unsettled > 0) throw new Error(`${ready} messages were left over and ${unsettled} unsettled`)
    }
    await this.#messaging.close()
  }

  #handled(): void {
    if (--this.#left === 0) this.#onHandled?.()
  }
}
