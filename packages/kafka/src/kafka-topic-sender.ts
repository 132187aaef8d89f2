import { MessagingError, type Outgoing, type SendDone, type SendFailure } from '@waybill/core/driver'
import type { KafkaClient, KafkaProducer } from './kafka-client.ts'
import { classify } from './kafka-errors.ts'
import { batchOverheadBytes, recordBytes, type WireRecord } from './kafka-message-mapper.ts'
import { partitionOf } from './kafka-partitioner.ts'
import type { TopicFacts } from './kafka-provisioner.ts'

export interface TopicSenderOptions {
  readonly client: KafkaClient
  readonly topic: string
}

/** A batch on its way, and how its messages become records. */
export interface SendBatch {
  readonly entries: readonly Outgoing[]
  readonly done: SendDone
  readonly toRecord: (entry: Outgoing) => WireRecord
}

/** What goes out in one request, with the places of its records in the batch. */
interface Chunk {
  readonly records: WireRecord[]
  readonly indexes: number[]
  readonly bytes: Map<number, number>
}

interface Failure {
  readonly error: unknown
  /** Whether the request may have been made. */
  readonly mayBeSent: boolean
}

/**
 * Sends to one topic, with a producer of its own: to kafkajs a topic that was deleted is in the way of all others.
 *
 * One request at a time, in order. After a failure the producer is done for: kafkajs counts its sequence numbers back,
 * and whatever came next would pass for what the broker may have already, and be dropped. Conformance: SND-04, SND-10.
 */
export class TopicSender {
  readonly #options: TopicSenderOptions
  #facts: TopicFacts | undefined
  #producer: Promise<KafkaProducer> | undefined
  #last: Promise<void> = Promise.resolve()
  #keyless = 0

  constructor(options: TopicSenderOptions) {
    this.#options = options
  }

  /** `undefined`: there is no such topic now. */
  learn(facts: TopicFacts | undefined): void {
    this.#facts = facts
  }

  /** Answers through `batch.done`, exactly once per entry. Never throws. */
  send(batch: SendBatch): void {
    this.#last = this.#last.then(() => this.#send(batch))
  }

  /** Resolves once everything is answered. */
  flush(): Promise<void> {
    return this.#last
  }

  async #send(batch: SendBatch): Promise<void> {
    const facts = this.#facts
    if (facts === undefined) return this.#failAll(batch, { error: this.#missing(), outcome: 'notSent' })
    const chunks = this.#chunksOf(batch, facts)
    for (let at = 0; at < chunks.length; at++) {
      const failure = await this.#produce(chunks[at]!)
      if (failure === undefined) {
        for (const index of chunks[at]!.indexes) batch.done(index)
        continue
      }
      await this.#fail(batch, chunks.slice(at), failure)
      return
    }
  }

  /** The first of `chunks` failed, and the others were to follow. */
  async #fail({ done }: SendBatch, [failed, ...later]: readonly Chunk[], { error, mayBeSent }: Failure): Promise<void> {
    const code = classify(error)
    const limit = code === 'tooLarge' ? await this.#limitNow() : undefined
    const outcome = mayBeSent && !refused.has(code) ? 'unknown' : 'notSent'
    for (const [place, index] of failed!.indexes.entries()) {
      const isInnocent = limit !== undefined && batchOverheadBytes + recordBytes(failed!.records[place]!) <= limit
      done(index, isInnocent ? { error: this.#neighbour(error), outcome } : { error, outcome })
    }
    const unsent: SendFailure = { error: code === 'tooLarge' ? this.#neighbour(error) : error, outcome: 'notSent' }
    for (const { indexes } of later) for (const index of indexes) done(index, unsent)
  }

  /** Records that may go together: none refused before it is sent, no partition given more than fits one batch of Kafka. */
  #chunksOf({ entries, done, toRecord }: SendBatch, facts: TopicFacts): Chunk[] {
    const chunks: Chunk[] = []
    let chunk: Chunk | undefined
    for (let index = 0; index < entries.length; index++) {
      const record = toRecord(entries[index]!)
      const { mostBytes } = record
      const bytes = batchOverheadBytes + mostBytes <= facts.maxMessageBytes ? mostBytes : recordBytes(record)
      const refusal = this.#refusal(record, bytes, facts)
      if (refusal !== undefined) {
        done(index, { error: refusal, outcome: 'notSent' })
        continue
      }
      const partition = this.#partitionOf(record, facts)
      record.partition = partition
      if (chunk === undefined || bytesIn(chunk, partition) + bytes > facts.maxMessageBytes) {
        chunk = { records: [], indexes: [], bytes: new Map() }
        chunks.push(chunk)
      }
      chunk.bytes.set(partition, bytesIn(chunk, partition) + bytes)
      chunk.records.push(record)
      chunk.indexes.push(index)
    }
    return chunks
  }

  /** Messages without a key go round, so that no partition gets them all. */
  #partitionOf({ key }: WireRecord, { partitions }: TopicFacts): number {
    return key === null ? this.#keyless++ % partitions : partitionOf(key, partitions)
  }

  #refusal(
    { key }: WireRecord,
    bytes: number,
    { maxMessageBytes, isCompacted }: TopicFacts,
  ): MessagingError | undefined {
    const { topic } = this.#options
    if (batchOverheadBytes + bytes > maxMessageBytes) {
      const what = `a record of ${bytes} bytes is more than topic "${topic}" takes (max.message.bytes=${maxMessageBytes})`
      return new MessagingError('tooLarge', what, { system: 'kafka' })
    }
    if (key !== null || !isCompacted) return undefined
    const what = `topic "${topic}" is compacted and takes no record without a key; give the channel a key`
    return new MessagingError('invalidArgument', what, { system: 'kafka' })
  }

  async #produce({ records }: Chunk): Promise<Failure | undefined> {
    let producer: KafkaProducer
    try {
      this.#producer ??= this.#options.client.openProducer()
      producer = await this.#producer
    } catch (error) {
      this.#producer = undefined
      return { error, mayBeSent: false }
    }
    try {
      await producer.send(this.#options.topic, records)
      return undefined
    } catch (error) {
      this.#producer = undefined
      void producer.close()
      return { error, mayBeSent: true }
    }
  }

  /** The topic takes less than it did: who is asked again keeps within it. `undefined`: it is not known to be less. */
  async #limitNow(): Promise<number | undefined> {
    const { client, topic } = this.#options
    const settings = await client.admin.topicSettings([topic], ['max.message.bytes']).catch(() => undefined)
    const limit = Number(settings?.get(topic)?.['max.message.bytes'])
    if (this.#facts === undefined || !(limit < this.#facts.maxMessageBytes)) return undefined
    this.#facts = { ...this.#facts, maxMessageBytes: limit }
    return limit
  }

  #neighbour(cause: unknown): MessagingError {
    const what = `another record of the same request was too large for topic "${this.#options.topic}"`
    return new MessagingError('unavailable', what, { cause, system: 'kafka' })
  }

  #missing(): MessagingError {
    return new MessagingError('notFound', `there is no topic "${this.#options.topic}"`, { system: 'kafka' })
  }

  #failAll({ entries, done }: SendBatch, failure: SendFailure): void {
    for (let index = 0; index < entries.length; index++) done(index, failure)
  }
}

/** The broker says that it has taken nothing. */
const refused: ReadonlySet<string> = new Set(['notFound', 'permissionDenied', 'invalidArgument', 'unauthenticated'])

function bytesIn({ bytes }: Chunk, partition: number): number {
  return bytes.get(partition) ?? batchOverheadBytes
}
