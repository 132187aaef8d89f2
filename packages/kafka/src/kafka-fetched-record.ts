import type { HeaderReader, KafkaHeader, KafkaRecord } from './kafka-client.ts'
import { RecordBytes } from './kafka-record-bytes.ts'
import { RepeatedText } from './kafka-repeated-text.ts'

/** Where the parts of one record begin and end in what was fetched. */
export interface RecordPlace {
  readonly keyBegin: number
  /** Before its beginning: there is no key. */
  readonly keyEnd: number
  readonly headersBegin: number
  readonly end: number
}

/** Names of headers by their place among them: most records of a topic have the same ones in the same order. */
const names: RepeatedText[] = []
const mostNames = 32

/** One record of a batch. What nobody asks for stays bytes. */
export class FetchedRecord implements KafkaRecord {
  readonly offset: string
  readonly timestampMs: number
  readonly value: Buffer | null
  readonly #bytes: Buffer
  readonly #place: RecordPlace

  constructor(bytes: Buffer, place: RecordPlace, offset: string, timestampMs: number, value: Buffer | null) {
    this.#bytes = bytes
    this.#place = place
    this.offset = offset
    this.timestampMs = timestampMs
    this.value = value
  }

  get key(): Buffer | null {
    const { keyBegin, keyEnd } = this.#place
    return keyEnd < keyBegin ? null : this.#bytes.subarray(keyBegin, keyEnd)
  }

  get headers(): readonly KafkaHeader[] {
    const headers: KafkaHeader[] = []
    this.readHeaders({
      takeHeader: (name, bytes, begin, end) => {
        headers.push({ name, value: end < begin ? null : bytes.subarray(begin, end) })
      },
    })
    return headers
  }

  readHeaders(reader: HeaderReader): void {
    const { headersBegin, end } = this.#place
    const bytes = new RecordBytes(this.#bytes, headersBegin, end)
    const count = bytes.varint()
    for (let index = 0; index < count; index++) {
      const nameEnd = bytes.skip(bytes.varint())
      const name = nameAt(index, this.#bytes, bytes.before, nameEnd)
      const length = bytes.varint()
      const valueEnd = length < 0 ? -1 : bytes.skip(length)
      reader.takeHeader(name, this.#bytes, length < 0 ? 0 : bytes.before, valueEnd)
    }
  }
}

function nameAt(index: number, bytes: Buffer, begin: number, end: number): string {
  if (index >= mostNames) return bytes.toString('utf8', begin, end)
  names[index] ??= new RepeatedText()
  return names[index].read(bytes, begin, end)
}
