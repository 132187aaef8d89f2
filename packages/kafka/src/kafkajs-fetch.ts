import { batchesIn } from './kafka-record-batch.ts'
import type { AbortedTransaction, FetchedPartition } from './kafka-visible-records.ts'
import type { KafkajsBroker } from './kafkajs-cluster.ts'
import { decompress } from './kafkajs-compression.ts'

export interface FetchRequest {
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly fetchOffset: string
      readonly maxBytes: number
    }[]
  }[]
}

export interface FetchedTopic {
  readonly topicName: string
  readonly partitions: readonly FetchedPartition[]
}

/** What kafkajs looks up before it sends a request. */
interface Protocol {
  (request: object): { readonly response: Response } & object
}

interface Response {
  decode(payload: Buffer): Promise<unknown>
  parse(decoded: unknown): Promise<unknown>
}

interface Internals extends KafkajsBroker {
  readonly versions: { readonly [api: number]: { readonly maxVersion: number } }
  lookupRequest(api: number, definition: object): Protocol
  fetch(request: object): Promise<unknown>
}

const fetchApi = 1
/** The newest that kafkajs asks for. */
const newestVersion = 11

/**
 * Fetches through kafkajs, with its requests, connections and errors, and reads the answer without it: kafkajs makes an
 * object of every header and copies all of them for each one, which takes longer than all else that happens to a record.
 */
export async function fetchFrom(broker: KafkajsBroker, request: FetchRequest): Promise<readonly FetchedTopic[]> {
  const internals = broker as Internals
  const version = Math.min(newestVersion, internals.versions[fetchApi]?.maxVersion ?? 0)
  const own: Internals = Object.create(internals, {
    lookupRequest: {
      value: (api: number, definition: object): Protocol => {
        const protocol = internals.lookupRequest(api, definition)
        return (values) => {
          const made = protocol(values)
          const { parse } = made.response
          return { ...made, response: { parse, decode: (payload: Buffer) => decoded(payload, version) } }
        }
      },
    },
  }) as Internals
  const { responses } = (await own.fetch(request)) as { readonly responses: readonly FetchedTopic[] }
  return responses
}

/** https://kafka.apache.org/protocol#The_Messages_Fetch, versions 4 to 11. */
async function decoded(payload: Buffer, version: number): Promise<object> {
  const answer = new Answer(payload)
  const throttleMs = answer.int32()
  // From version 8 on it is for the client to wait: https://cwiki.apache.org/confluence/x/dQxuBQ
  const throttle = version >= 8 ? { throttleTime: 0, clientSideThrottleTime: throttleMs } : { throttleTime: throttleMs }
  if (version >= 7) answer.skip(2 + 4)
  const responses: FetchedTopic[] = []
  for (let topics = answer.int32(); topics > 0; topics--) {
    const topicName = answer.string()
    const partitions: FetchedPartition[] = []
    for (let left = answer.int32(); left > 0; left--) partitions.push(await partitionIn(answer, version))
    responses.push({ topicName, partitions })
  }
  return { ...throttle, responses }
}

async function partitionIn(answer: Answer, version: number): Promise<FetchedPartition> {
  const partition = answer.int32()
  const errorCode = answer.int16()
  const highWatermark = answer.int64()
  const lastStable = answer.int64()
  if (version >= 5) answer.skip(8)
  const abortedTransactions: AbortedTransaction[] = []
  for (let left = answer.int32(); left > 0; left--) {
    abortedTransactions.push({ producerId: answer.int64(), firstOffset: answer.int64() })
  }
  if (version >= 11) answer.skip(4)
  const end = lastStable < 0n ? highWatermark : lastStable
  return { partition, errorCode, end, abortedTransactions, batches: await batchesIn(answer.bytes(), decompress) }
}

/** What is beyond the end of an answer ends reading with a RangeError of Node's. */
class Answer {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.skip(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.skip(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.skip(8))
  }

  string(): string {
    const length = this.int16()
    const begin = this.skip(length)
    return this.#bytes.toString('utf8', begin, begin + length)
  }

  bytes(): Buffer {
    const length = this.int32()
    if (length <= 0) return this.#bytes.subarray(0, 0)
    const begin = this.skip(length)
    return this.#bytes.subarray(begin, begin + length)
  }

  /** Answers where it began. */
  skip(length: number): number {
    const begin = this.#at
    this.#at += length
    if (length < 0 || this.#at > this.#bytes.length) throw new RangeError('an answer of Kafka ends before its time')
    return begin
  }
}
