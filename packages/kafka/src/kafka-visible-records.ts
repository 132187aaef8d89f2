import type { KafkaRecord } from './kafka-client.ts'
import type { RecordBatch } from './kafka-record-batch.ts'

export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  /** Behind the last record that may be read. */
  readonly end: bigint
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly batches: readonly RecordBatch[]
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

export interface VisibleRecords {
  readonly records: readonly KafkaRecord[]
  /** Where to go on. */
  readonly next: bigint
  /** There should have been something: it was the turn of other partitions, or all of it was compacted away. */
  readonly isHollow: boolean
}

/** As many empty batches, of 61 bytes and one offset at the least, as an answer of 1 MiB can have instead of records. */
const mostEmpty = 17_000n

/**
 * What of a fetched partition is to be seen from `position` on: no marks of transactions, no records of aborted ones,
 * and nothing before it, which comes when the position is in the middle of a batch.
 */
export function visibleRecords(
  position: bigint,
  { batches, end, abortedTransactions }: FetchedPartition,
): VisibleRecords {
  const last = batches.at(-1)
  if (last === undefined) {
    const next = position + mostEmpty < end ? position + mostEmpty : end
    return next > position ? { records: [], next, isHollow: true } : { records: [], next: position, isHollow: false }
  }
  const next = last.lastOffset >= position ? last.lastOffset + 1n : position + 1n
  const isAborted = abortedIn(abortedTransactions)
  const seen = batches.filter((batch) => !isAborted(batch) && !batch.isControl)
  return {
    records:
      seen.length === 1 ? recordsFrom(position, seen[0]!) : seen.flatMap((batch) => recordsFrom(position, batch)),
    next,
    isHollow: false,
  }
}

function recordsFrom(position: bigint, { firstOffset, records }: RecordBatch): readonly KafkaRecord[] {
  return firstOffset >= position ? records : records.filter(({ offset }) => BigInt(offset) >= position)
}

/** To be asked in the order of the log: a transaction's records are aborted from its first one to its mark. */
function abortedIn(transactions: readonly AbortedTransaction[]): (batch: RecordBatch) => boolean {
  const ahead = [...transactions].sort((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1))
  const aborting = new Set<bigint>()
  return ({ lastOffset, producerId, isControl, inTransaction }) => {
    while (ahead[0] !== undefined && ahead[0].firstOffset <= lastOffset) {
      aborting.add((ahead.shift() as AbortedTransaction).producerId)
    }
    if (isControl) aborting.delete(producerId)
    return inTransaction && !isControl && aborting.has(producerId)
  }
}
