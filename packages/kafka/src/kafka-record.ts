import { structuredMediaType, type WireMessage } from '@waybill/core/driver'
import type { NewRecord } from './kafka-client.ts'
import { contentTypeHeader, wireHeaderName } from './kafka-header-names.ts'

/** A record before it is sent. */
export interface WireRecord extends NewRecord {
  /** To be chosen by who sends it. */
  partition: number
  /** The most that it can take in a batch of Kafka: https://kafka.apache.org/documentation/#recordbatch */
  readonly mostBytes: number
}

/** What a batch takes beside its records. */
export const batchOverheadBytes = 61
const recordOverheadBytes = 40
const headerOverheadBytes = 10

type Table = { [name: string]: string }

/** Inherits nothing, as what `newHeaders` makes; but that is a hash table, three times as large, and made half as fast. */
function EmptyTable(): void {}
EmptyTable.prototype = Object.create(null)
const Table = EmptyTable as unknown as new () => Table

/** The headers of one record. */
export class HeaderWriter {
  readonly #table = new Table()
  /** In UTF-16 units, each of which makes at most three bytes. */
  #letters = 0
  #overhead = recordOverheadBytes

  constructor(message: WireMessage) {
    if (message.structured === undefined) this.#addAttributes(message)
    else this.add(contentTypeHeader, structuredMediaType)
    const { headers } = message
    for (const name in headers) this.add(wireHeaderName(name), headers[name]!)
  }

  #addAttributes({ id, source, type, time, contentType, extensions }: WireMessage): void {
    this.add('ce_specversion', '1.0')
    if (id !== undefined) this.add('ce_id', id)
    if (source !== undefined) this.add('ce_source', source)
    if (type !== undefined) this.add('ce_type', type)
    if (time !== undefined) this.add('ce_time', time)
    if (contentType !== undefined) this.add(contentTypeHeader, contentType)
    for (const name in extensions) this.add(`ce_${name}`, extensions[name]!)
  }

  add(name: string, value: string): void {
    this.#table[name] = value
    this.#letters += name.length + value.length
    this.#overhead += headerOverheadBytes
  }

  record(key: Buffer | null, value: Buffer | null): WireRecord {
    const rest = this.#overhead + (key?.byteLength ?? 0) + (value?.byteLength ?? 0)
    return { partition: 0, key, value, headers: this.#table, mostBytes: rest + 3 * this.#letters }
  }
}

/** What the record takes in a batch, at most: its letters counted. */
export function recordBytes({ key, value, headers }: WireRecord): number {
  let bytes = recordOverheadBytes + (key?.byteLength ?? 0) + (value?.byteLength ?? 0)
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!) + headerOverheadBytes
  return bytes
}
