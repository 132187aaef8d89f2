import { describe, expect, it } from 'vitest'
import type { RecordBatch } from '../src/kafka-record-batch.ts'
import { visibleRecords, type FetchedPartition, type VisibleRecords } from '../src/kafka-visible-records.ts'
import { fetched } from './fetched.ts'

interface Shape {
  readonly producer?: bigint
  readonly inTransaction?: boolean
  readonly isControl?: boolean
  /** Of the batch; the last record's where compaction took nothing from its end. */
  readonly last?: number
}

function batch(offsets: readonly number[], shape: Shape = {}): RecordBatch {
  const { producer = -1n, inTransaction = false, isControl = false, last = offsets.at(-1) as number } = shape
  const records = offsets.map((offset) => fetched({ offset: String(offset) }))
  const [first = 0] = offsets
  return {
    firstOffset: BigInt(first),
    lastOffset: BigInt(last),
    producerId: producer,
    inTransaction,
    isControl,
    records,
  }
}

const partition = (batches: readonly RecordBatch[], more: Partial<FetchedPartition> = {}): FetchedPartition => ({
  partition: 0,
  errorCode: 0,
  end: 100n,
  abortedTransactions: [],
  batches,
  ...more,
})
const offsets = ({ records }: VisibleRecords) => records.map(({ offset }) => Number(offset))

describe('records of a fetched partition', () => {
  it('are all of them, and those of one batch without a copy', () => {
    const [one, other] = [batch([5, 6]), batch([7])]
    expect(visibleRecords(5n, partition([one])).records).toBe(one.records)
    const found = visibleRecords(5n, partition([one, other]))
    expect([offsets(found), found.next]).toEqual([[5, 6, 7], 8n])
  })

  it('begin at the position, which may be in the middle of a batch', () => {
    const found = visibleRecords(6n, partition([batch([5, 6, 7])]))
    expect([offsets(found), found.next]).toEqual([[6, 7], 8n])
  })

  it('go on behind what compaction took from the end of a batch, or all of it', () => {
    expect(visibleRecords(5n, partition([batch([5], { last: 9 })])).next).toBe(10n)
    const before = visibleRecords(8n, partition([batch([5], { last: 9 })]))
    expect([offsets(before), before.next]).toEqual([[], 10n])
  })

  it('leave out the marks of transactions and pass them', () => {
    const mark = batch([7], { isControl: true, inTransaction: true, producer: 1n })
    const found = visibleRecords(6n, partition([batch([6]), mark]))
    expect([offsets(found), found.next]).toEqual([[6], 8n])
  })

  it('leave out aborted transactions, from their first record to their mark', () => {
    const by = (producer: bigint) => ({ producer, inTransaction: true })
    const batches = [
      batch([0], by(1n)),
      batch([1], by(2n)),
      batch([2], { ...by(1n), isControl: true }),
      batch([3], by(1n)),
      batch([4], { producer: 2n }),
      batch([5], by(2n)),
    ]
    const abortedTransactions = [
      { producerId: 2n, firstOffset: 1n },
      { producerId: 1n, firstOffset: 0n },
    ]
    expect(offsets(visibleRecords(0n, partition(batches, { abortedTransactions })))).toEqual([3, 4])
  })

  it('that should be there and are not are hollow; nothing behind the end, or behind an open transaction, is missed', () => {
    expect(visibleRecords(5n, partition([]))).toEqual({ records: [], next: 100n, isHollow: true })
    expect(visibleRecords(5n, partition([], { end: 1_000_000n }))).toEqual({
      records: [],
      next: 17_005n,
      isHollow: true,
    })
    expect(visibleRecords(100n, partition([])).isHollow).toBe(false)
    expect(visibleRecords(5n, partition([], { end: 5n })).isHollow).toBe(false)
  })
})
