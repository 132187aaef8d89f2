import type { KafkaRecord } from './kafka-client.ts'
import type { KafkajsFetchedPartition, KafkajsMessage } from './kafkajs-cluster.ts'

export interface FetchedRecords {
  readonly records: readonly KafkaRecord[]
  /** Where to go on. */
  readonly next: bigint
  /** There should have been something: it was the turn of other partitions, or all of it was compacted away. */
  readonly isHollow: boolean
}

/** As many empty batches, of 61 bytes and one offset at the least, as an answer of 1 MiB can have instead of records. */
const mostEmpty = 17_000n

/**
 * What of a fetched partition is to be seen from `position` on: no markers of transactions, no records of aborted ones,
 * and nothing before it, which comes when the position is in the middle of a batch.
 */
export function recordsFrom(position: bigint, fetched: KafkajsFetchedPartition): FetchedRecords {
  const { messages } = fetched
  const last = messages.at(-1)
  if (last === undefined) {
    const end = BigInt(fetched.lastStableOffset ?? fetched.highWatermark)
    const next = position + mostEmpty < end ? position + mostEmpty : end
    return next > position ? { records: [], next, isHollow: true } : { records: [], next: position, isHollow: false }
  }
  const behind = endOfBatch(last)
  const next = behind > position ? behind : position + 1n
  return { records: visible(position, fetched), next, isHollow: false }
}

function endOfBatch({ offset, batchContext }: KafkajsMessage): bigint {
  if (batchContext === undefined) return BigInt(offset) + 1n
  return BigInt(batchContext.firstOffset) + BigInt(batchContext.lastOffsetDelta) + 1n
}

function visible(position: bigint, { messages, abortedTransactions = [] }: KafkajsFetchedPartition): KafkajsMessage[] {
  const isPlain = (message: KafkajsMessage) => message.isControlRecord !== true
  const first = messages.findIndex(({ offset }) => BigInt(offset) >= position)
  if (first < 0) return []
  if (abortedTransactions.length === 0 && messages.every(isPlain)) {
    return first === 0 ? (messages as KafkajsMessage[]) : messages.slice(first)
  }
  const isAborted = abortedIn(abortedTransactions)
  const committed = messages.filter((message) => !isAborted(message) && isPlain(message))
  return committed.filter(({ offset }) => BigInt(offset) >= position)
}

/** To be asked in the order of the log: a transaction's records are aborted from its first one to its marker. */
function abortedIn(transactions: NonNullable<KafkajsFetchedPartition['abortedTransactions']>) {
  const ahead = [...transactions].sort((one, other) => (BigInt(one.firstOffset) < BigInt(other.firstOffset) ? -1 : 1))
  const aborting = new Set<string>()
  return ({ offset, isControlRecord, batchContext }: KafkajsMessage): boolean => {
    const producer = String(batchContext?.producerId)
    while (ahead[0] !== undefined && BigInt(ahead[0].firstOffset) <= BigInt(offset)) {
      aborting.add(String(ahead.shift()?.producerId))
    }
    if (isControlRecord === true) aborting.delete(producer)
    return batchContext?.inTransaction === true && isControlRecord !== true && aborting.has(producer)
  }
}
