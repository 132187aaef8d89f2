import { MessagingError } from '@waybill/core/driver'
import type { Message, Producer, RecordMetadata } from 'kafkajs'
import type { KafkaProducer, NewRecord } from './kafka-client.ts'
import { unwrapped } from './kafka-errors.ts'
import type { KafkaSockets } from './kafkajs-consumer.ts'

/**
 * What kafkajs may send again by itself: a leader moves, replicas catch up. With its producer id and sequence numbers
 * the broker drops what it has already, which nobody else's second try can have.
 */
const retry = { retries: 5, initialRetryTime: 50, maxRetryTime: 400 }

const acknowledgedByAll = -1

/** One idempotent producer of kafkajs. */
export class KafkajsProducer implements KafkaProducer {
  readonly #producer: Producer
  readonly #timeoutMs: number
  readonly #destroy: () => void
  readonly #closed: Promise<never>
  #onClose!: (error: Error) => void

  private constructor(producer: Producer, timeoutMs: number, destroy: () => void) {
    this.#producer = producer
    this.#timeoutMs = timeoutMs
    this.#destroy = destroy
    this.#closed = new Promise((_, reject) => {
      this.#onClose = reject
    })
    this.#closed.catch(() => {})
  }

  static async open({ kafka, destroy }: KafkaSockets, timeoutMs: number): Promise<KafkajsProducer> {
    const producer = kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      retry,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition!,
    })
    try {
      await producer.connect()
    } catch (error) {
      destroy()
      throw unwrapped(error)
    }
    return new KafkajsProducer(producer, timeoutMs, destroy)
  }

  async send(topic: string, records: readonly NewRecord[]): Promise<void> {
    const messages = records as readonly Message[] as Message[]
    const sent = this.#producer.send({ topic, messages, acks: acknowledgedByAll, timeout: this.#timeoutMs })
    const answers = await Promise.race([sent, this.#closed]).catch((error: unknown) => {
      throw unwrapped(error)
    })
    if (!areAnswered(records, answers)) throw unanswered(topic)
  }

  /** kafkajs may be between two tries of its own: it finds no socket any more, and nobody waits for it. */
  async close(): Promise<void> {
    this.#destroy()
    this.#onClose(new MessagingError('unavailable', 'the producer was closed', { system: 'kafka' }))
  }
}

/**
 * kafkajs keeps the answers of one call over all its tries, by broker. A partition that moves meanwhile to a broker that
 * has answered for others is sent to nobody, and the call resolves all the same (src/producer/sendMessages.js).
 */
function areAnswered(records: readonly NewRecord[], answers: readonly RecordMetadata[]): boolean {
  const answered = new Set(answers.map(({ partition }) => partition))
  return records.every(({ partition }) => answered.has(partition))
}

function unanswered(topic: string): MessagingError {
  const what = `no broker has answered for some partitions of topic "${topic}", whose leaders have moved`
  return new MessagingError('unavailable', what, { system: 'kafka' })
}
