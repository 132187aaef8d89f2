import type { DriverContext, Listener, ListenRequest, OnDelivery, WireMessage } from '@waybill/core/driver'
import type { KafkaClient, KafkaRecord, PartitionOffset } from './kafka-client.ts'
import type { KafkaSettings } from './kafka-options.ts'

/** Where deliveries come from: a consumer group, a topic outside of any group, or dead letters to be looked at. */
export interface Feed {
  /** Where the next record to be delivered is, of each partition it has. */
  readonly next: readonly PartitionOffset[]
  /** Resolves once what is sent later is certain to arrive. `close` is called when it rejects, too. */
  open(): Promise<void>
  /** Nothing more is delivered; resolves when what was delivered is settled, and the broker knows. Called once. */
  drain(): Promise<void>
  /** All it has is void at once. Resolves when others need not wait for it any more. Called once. */
  close(): Promise<void>
}

export interface FeedOptions {
  readonly client: KafkaClient
  readonly settings: KafkaSettings
  readonly context: DriverContext
  readonly listener: KafkaListener
  readonly onDelivery: OnDelivery
  /** `undefined`: it is for others. */
  readonly read: (record: KafkaRecord) => WireMessage | undefined
}

export interface KafkaListenerOptions {
  readonly request: ListenRequest
  /** Told first of what ends the listener by itself: the connection may be gone with it. */
  readonly onCrashed: (error: unknown) => void
  /** Nothing is delivered or settled any more. */
  readonly onOver: () => void
}

/** The life of a listener, whatever feeds it: opened, drained or not, over once. */
export class KafkaListener implements Listener {
  readonly request: ListenRequest
  readonly ended: Promise<unknown>
  readonly #options: KafkaListenerOptions
  #feed!: Feed
  #isOver = false
  #drained: Promise<void> | undefined
  #closed: Promise<void> = Promise.resolve()
  #end!: (error: unknown) => void

  constructor(options: KafkaListenerOptions) {
    this.request = options.request
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  get next(): readonly PartitionOffset[] {
    return this.#feed.next
  }

  get isDraining(): boolean {
    return this.#drained !== undefined
  }

  get isOver(): boolean {
    return this.#isOver
  }

  async open(feed: Feed): Promise<void> {
    this.#feed = feed
    try {
      await feed.open()
    } catch (error) {
      await this.close(error)
      throw error
    }
  }

  /** All that was to be shown was shown; what is open may still be settled. */
  end(error?: unknown): void {
    this.#end(error)
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  /** The feed has ended by itself. */
  crash(error: unknown): void {
    if (this.#isOver) return
    this.#options.onCrashed(error)
    void this.close(error)
  }

  /** Whatever it has is void at once. Resolves when it has left its group, so that others need not wait for its session. */
  close(error: unknown): Promise<void> {
    if (!this.#isOver) {
      this.#isOver = true
      this.#closed = this.#close(error)
    }
    return this.#closed
  }

  async #drain(): Promise<void> {
    try {
      await this.#feed.drain()
    } finally {
      await this.close(undefined)
    }
  }

  async #close(error: unknown): Promise<void> {
    const closed = this.#feed.close()
    this.#options.onOver()
    this.#end(error)
    await closed.catch(() => {})
  }
}
