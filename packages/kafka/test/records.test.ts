import { describe, expect, it } from 'vitest'
import type { KafkajsMessage } from '../src/kafkajs-cluster.ts'
import { recordsFrom } from '../src/kafkajs-records.ts'

interface Shape {
  readonly producer?: string
  readonly inTransaction?: boolean
  readonly isControlRecord?: boolean
  /** Of its batch. */
  readonly first?: number
  readonly last?: number
}

function message(offset: number, shape: Shape = {}): KafkajsMessage {
  const { producer = '-1', inTransaction = false, isControlRecord = false, first = offset, last = offset } = shape
  return {
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: null,
    isControlRecord,
    batchContext: { firstOffset: String(first), lastOffsetDelta: last - first, inTransaction, producerId: producer },
  }
}

const fetched = (messages: readonly KafkajsMessage[], more: object = {}) => ({
  partition: 0,
  highWatermark: '100',
  messages,
  ...more,
})
const offsets = ({ records }: ReturnType<typeof recordsFrom>) => records.map(({ offset }) => Number(offset))

describe('records of a fetched partition', () => {
  it('are all of them, without a copy', () => {
    const messages = [message(5), message(6)]
    const found = recordsFrom(5n, fetched(messages))
    expect(found.records).toBe(messages)
    expect(found.next).toBe(7n)
  })

  it('begin at the position, which may be in the middle of a batch', () => {
    const found = recordsFrom(6n, fetched([5, 6, 7].map((each) => message(each, { first: 5, last: 7 }))))
    expect(offsets(found)).toEqual([6, 7])
    expect(found.next).toBe(8n)
  })

  it('go on behind what compaction took from the end of a batch, or all of it', () => {
    expect(recordsFrom(5n, fetched([message(5, { first: 5, last: 9 })])).next).toBe(10n)
    const before = recordsFrom(8n, fetched([message(5, { first: 5, last: 9 })]))
    expect([offsets(before), before.next]).toEqual([[], 10n])
  })

  it('leave out the markers of transactions and pass them', () => {
    const marker = message(7, { isControlRecord: true, inTransaction: true, producer: '1' })
    const found = recordsFrom(6n, fetched([message(6), marker]))
    expect([offsets(found), found.next]).toEqual([[6], 8n])
  })

  it('leave out aborted transactions, from their first record to their marker', () => {
    const by = (producer: string) => ({ producer, inTransaction: true })
    const messages = [
      message(0, by('1')),
      message(1, by('2')),
      message(2, { ...by('1'), isControlRecord: true }),
      message(3, by('1')),
      message(4, { producer: '2' }),
      message(5, by('2')),
    ]
    const abortedTransactions = [
      { producerId: '2', firstOffset: '1' },
      { producerId: '1', firstOffset: '0' },
    ]
    expect(offsets(recordsFrom(0n, fetched(messages, { abortedTransactions })))).toEqual([3, 4])
  })

  it('that should be there and are not are hollow; nothing behind the end, or behind an open transaction, is missed', () => {
    expect(recordsFrom(5n, fetched([]))).toEqual({ records: [], next: 100n, isHollow: true })
    const far = fetched([], { lastStableOffset: '1000000', highWatermark: '1000000' })
    expect(recordsFrom(5n, far)).toEqual({ records: [], next: 17_005n, isHollow: true })
    expect(recordsFrom(100n, fetched([])).isHollow).toBe(false)
    expect(recordsFrom(5n, fetched([], { lastStableOffset: '5' })).isHollow).toBe(false)
  })
})
