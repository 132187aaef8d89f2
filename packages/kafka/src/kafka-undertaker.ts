import type { KafkaClient, KafkaProducer } from './kafka-client.ts'
import type { Letter } from './kafka-letters.ts'

const maxBatch = 500

/** Writes tombstones for letters that are done with: those that come while some are written go together. */
export class Undertaker {
  readonly #client: KafkaClient
  readonly #topic: string
  readonly #onFailed: (letter: Letter, error: unknown) => void
  readonly #waiting: Letter[] = []
  #producer: KafkaProducer | undefined
  #working: Promise<void> | undefined

  constructor(client: KafkaClient, topic: string, onFailed: (letter: Letter, error: unknown) => void) {
    this.#client = client
    this.#topic = topic
    this.#onFailed = onFailed
  }

  bury(letter: Letter): void {
    this.#waiting.push(letter)
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /** Resolves once the broker has a tombstone for each, or who waits was told why not. */
  async close(): Promise<void> {
    await this.#working
    await this.#producer?.close().catch(() => {})
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const letters = this.#waiting.splice(0, maxBatch)
      try {
        this.#producer ??= await this.#client.openProducer()
        const tombstones = letters.map(({ partition, key }) => ({ partition, key, value: null, headers: {} }))
        await this.#producer.send(this.#topic, tombstones)
      } catch (error) {
        for (const letter of letters) this.#onFailed(letter, error)
        void this.#producer?.close()
        this.#producer = undefined
      }
    }
  }
}
