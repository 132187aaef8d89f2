import { MessagingError } from '@waybill/core/driver'
import type { KafkaRecord } from './kafka-client.ts'
import { FetchedRecord } from './kafka-fetched-record.ts'
import { malformed, RecordBytes } from './kafka-record-bytes.ts'

/** https://kafka.apache.org/documentation/#recordbatch */
export interface RecordBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly inTransaction: boolean
  /** Holds a mark of a transaction's end, and nothing for anybody. */
  readonly isControl: boolean
  readonly records: readonly KafkaRecord[]
}

/** Undoes a compression by its number: https://kafka.apache.org/documentation/#recordbatch */
export type Decompress = (codec: number, bytes: Buffer) => Promise<Buffer>

interface BatchHead extends Omit<RecordBatch, 'records'> {
  readonly codec: number
  readonly count: number
  readonly firstTimestampMs: number
  /** Where the broker's clock says when they came. */
  readonly appendedAtMs: number | undefined
}

const magic = 2
const place = { length: 8, magic: 16, attributes: 21, lastDelta: 23, firstMs: 27, maxMs: 35, producer: 43, count: 57 }
const headBytes = 61
const beforeLength = 12
const attribute = { codec: 0x07, appendTime: 0x08, transaction: 0x10, control: 0x20 }

/**
 * The batches of one partition in an answer, in order. The last one may be cut off, and is left out then.
 *
 * @throws MessagingError `failedPrecondition` on what is no batch; `unsupported` on the formats before Kafka 0.11.
 */
export async function batchesIn(bytes: Buffer, decompress: Decompress): Promise<readonly RecordBatch[]> {
  const batches: RecordBatch[] = []
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const end = at + beforeLength + bytes.readInt32BE(at + place.length)
    if (end > bytes.length) break
    if (end < at + headBytes) throw malformed()
    const head = headAt(bytes, at)
    if (head.count < 0) throw malformed()
    const body = bytes.subarray(at + headBytes, end)
    const records = recordsIn(head.codec === 0 ? body : await decompress(head.codec, body), head)
    batches.push({ ...head, records })
    at = end
  }
  return batches
}

function headAt(bytes: Buffer, at: number): BatchHead {
  if (bytes[at + place.magic] !== magic) throw outdated(bytes[at + place.magic])
  const attributes = bytes.readInt16BE(at + place.attributes)
  const firstOffset = bytes.readBigInt64BE(at)
  return {
    firstOffset,
    lastOffset: firstOffset + BigInt(bytes.readInt32BE(at + place.lastDelta)),
    producerId: bytes.readBigInt64BE(at + place.producer),
    inTransaction: (attributes & attribute.transaction) !== 0,
    isControl: (attributes & attribute.control) !== 0,
    codec: attributes & attribute.codec,
    count: bytes.readInt32BE(at + place.count),
    firstTimestampMs: Number(bytes.readBigInt64BE(at + place.firstMs)),
    appendedAtMs:
      (attributes & attribute.appendTime) === 0 ? undefined : Number(bytes.readBigInt64BE(at + place.maxMs)),
  }
}

function recordsIn(bytes: Buffer, { count, firstOffset, firstTimestampMs, appendedAtMs }: BatchHead): KafkaRecord[] {
  const isExact = firstOffset < BigInt(Number.MAX_SAFE_INTEGER) - 2n ** 31n
  const first = Number(firstOffset)
  const all = new RecordBytes(bytes, 0, bytes.length)
  const records: KafkaRecord[] = []
  for (let index = 0; index < count; index++) {
    const end = all.skip(all.varint())
    // The first byte is of attributes that nobody has defined.
    const record = new RecordBytes(bytes, all.before + 1, end)
    const timestampDelta = record.varlong()
    const offsetDelta = record.varint()
    const keyLength = record.varint()
    const keyEnd = keyLength < 0 ? -1 : record.skip(keyLength)
    const keyBegin = keyLength < 0 ? 0 : record.before
    const valueLength = record.varint()
    const value = valueLength < 0 ? null : bytes.subarray(record.at, record.skip(valueLength))
    const offset = isExact ? String(first + offsetDelta) : String(firstOffset + BigInt(offsetDelta))
    const where = { keyBegin, keyEnd, headersBegin: record.at, end }
    records.push(new FetchedRecord(bytes, where, offset, appendedAtMs ?? firstTimestampMs + timestampDelta, value))
  }
  return records
}

function outdated(found: number | undefined): MessagingError {
  const what = `there are records in the format ${found} of before Kafka 0.11; have the topic written anew`
  return new MessagingError('unsupported', what, { system: 'kafka' })
}
