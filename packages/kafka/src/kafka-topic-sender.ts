import { MessagingError, type Outgoing, type SendDone, type SendFailure } from '@waybill/core/driver'
import type { KafkaClient, KafkaProducer } from './kafka-client.ts'
import { classify } from './kafka-errors.ts'
import { batchOverheadBytes, recordBytes, type WireRecord } from './kafka-record.ts'
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
    if (this.#facts === undefined) return this.#failAll(batch, { error: this.#missing(), outcome: 'notSent' })
    const records = batch.entries.map(batch.toRecord)
    const facts = await this.#factsFor(records, this.#facts)
    const chunks = this.#chunksOf(batch, records, facts)
    for (let at = 0; at < chunks.length; at++) {
      const failure = await this.#produce(chunks[at]!)
      if (failure !== undefined) return this.#fail(batch, chunks.slice(at), failure)
      for (const index of chunks[at]!.indexes) batch.done(index)
    }
  }

  /** Looked at anew when they stand in the way: somebody may have mended them. */
  async #factsFor(records: readonly WireRecord[], facts: TopicFacts): Promise<TopicFacts> {
    const isTooLarge = (record: WireRecord): boolean => sizeIn(record, facts) === undefined
    return records.some(isTooLarge) ? this.#askLimit(facts) : facts
  }

  /** The first of `chunks` failed, and the others were to follow. */
  async #fail({ done }: SendBatch, [failed, ...later]: readonly Chunk[], { error, mayBeSent }: Failure): Promise<void> {
    const code = classify(error)
    const facts = code === 'tooLarge' ? await this.#factsAfterRefusal() : undefined
    const outcome = mayBeSent && !refused.has(code) ? 'unknown' : 'notSent'
    for (const [place, index] of failed!.indexes.entries()) {
      const isInnocent = facts !== undefined && sizeIn(failed!.records[place]!, facts) !== undefined
      done(index, isInnocent ? { error: this.#neighbour(error), outcome } : { error, outcome })
    }
    const unsent: SendFailure = { error: code === 'tooLarge' ? this.#neighbour(error) : error, outcome: 'notSent' }
    for (const { indexes } of later) for (const index of indexes) done(index, unsent)
  }

  /** Records that may go together: none refused before it is sent, no partition given more than fits one batch of Kafka. */
  #chunksOf({ done }: SendBatch, records: readonly WireRecord[], facts: TopicFacts): Chunk[] {
    const chunks: Chunk[] = []
    let chunk: Chunk | undefined
    for (const [index, record] of records.entries()) {
      const bytes = sizeIn(record, facts)
      if (bytes === undefined || (record.key === null && facts.isCompacted)) {
        done(index, { error: this.#refusal(record, facts), outcome: 'notSent' })
        continue
      }
      const partition = this.#partitionOf(record, facts)
      record.partition = partition
      let before = chunk?.bytes.get(partition) ?? batchOverheadBytes
      if (chunk === undefined || before + bytes > facts.maxMessageBytes) {
        before = batchOverheadBytes
        chunk = { records: [], indexes: [], bytes: new Map() }
        chunks.push(chunk)
      }
      chunk.bytes.set(partition, before + bytes)
      chunk.records.push(record)
      chunk.indexes.push(index)
    }
    return chunks
  }

  /** Messages without a key go round, so that no partition gets them all. */
  #partitionOf({ key }: WireRecord, { partitions }: TopicFacts): number {
    return key === null ? this.#keyless++ % partitions : partitionOf(key, partitions)
  }

  #refusal(record: WireRecord, { maxMessageBytes, isCompacted }: TopicFacts): MessagingError {
    const { topic } = this.#options
    if (record.key === null && isCompacted) {
      const what = `topic "${topic}" is compacted and takes no record without a key; give the channel a key`
      return new MessagingError('invalidArgument', what, { system: 'kafka' })
    }
    const bytes = recordBytes(record)
    const what = `a record of ${bytes} bytes is more than topic "${topic}" takes (max.message.bytes=${maxMessageBytes})`
    return new MessagingError('tooLarge', what, { system: 'kafka' })
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

  /** What the topic takes now, if that is less than was known: who is asked again keeps within it. */
  async #factsAfterRefusal(): Promise<TopicFacts | undefined> {
    const before = this.#facts
    if (before === undefined) return undefined
    const now = await this.#askLimit(before)
    return now.maxMessageBytes < before.maxMessageBytes ? now : undefined
  }

  async #askLimit(before: TopicFacts): Promise<TopicFacts> {
    const { client, topic } = this.#options
    const settings = await client.admin.topicSettings([topic], ['max.message.bytes']).catch(() => undefined)
    const maxMessageBytes = Number(settings?.get(topic)?.['max.message.bytes'])
    if (!(maxMessageBytes > 0)) return before
    this.#facts = { ...before, maxMessageBytes }
    return this.#facts
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

/** What it takes in a batch, at most; `undefined`: more than the topic does. Counted only where the estimate is too much. */
function sizeIn(record: WireRecord, { maxMessageBytes }: TopicFacts): number | undefined {
  if (batchOverheadBytes + record.mostBytes <= maxMessageBytes) return record.mostBytes
  const bytes = recordBytes(record)
  return batchOverheadBytes + bytes <= maxMessageBytes ? bytes : undefined
}
