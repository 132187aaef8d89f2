import { FetchedRecord } from '../src/kafka-fetched-record.ts'

export type HeaderList = readonly (readonly [name: string, value: Uint8Array | null])[]

export interface Parts {
  readonly key?: Uint8Array | null
  readonly value?: Buffer | null
  readonly headers?: HeaderList
  readonly offset?: string
}

/** A record as it is fetched. */
export function fetched({ key = null, value = null, headers = [], offset = '0' }: Parts = {}): FetchedRecord {
  const section = [
    varint(headers.length),
    ...headers.flatMap(([name, each]) => [...sized(Buffer.from(name)), ...sized(each)]),
  ]
  const bytes = Buffer.concat([key ?? Buffer.alloc(0), ...section])
  const keyEnd = key === null ? -1 : key.byteLength
  const place = { keyBegin: 0, keyEnd, headersBegin: key?.byteLength ?? 0, end: bytes.length }
  return new FetchedRecord(bytes, place, offset, 0, value)
}

function sized(bytes: Uint8Array | null): Uint8Array[] {
  return bytes === null ? [varint(-1)] : [varint(bytes.byteLength), bytes]
}

/** Zigzag, seven bits to a byte, the least first. */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value < 0 ? -2 * value - 1 : 2 * value
  for (; left > 0x7f; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
  return Buffer.from([...bytes, left])
}
