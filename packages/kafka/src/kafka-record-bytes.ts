import { MessagingError } from '@waybill/core/driver'

/**
 * Reads what records are made of, in the order in which it stands.
 *
 * @throws MessagingError `failedPrecondition` on what says to be longer than what holds it.
 */
export class RecordBytes {
  readonly #bytes: Buffer
  readonly #end: number
  /** Where the next thing begins. */
  at: number
  /** Where what was skipped last began. */
  before = 0

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes
    this.at = at
    this.#end = end
  }

  /** A number of up to 32 bits: https://kafka.apache.org/documentation/#recordheader */
  varint(): number {
    const first = this.#bytes[this.at] as number
    if (first < 0x80 && this.at < this.#end) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    return this.varlong()
  }

  /** A number of up to 64 bits, exact as far as JavaScript's numbers are. */
  varlong(): number {
    let value = 0
    let factor = 1
    for (let count = 0; count < 10; count++, factor *= 128) {
      if (this.at >= this.#end) throw malformed()
      const byte = this.#bytes[this.at++] as number
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw malformed()
  }

  /** Answers where it ends. */
  skip(length: number): number {
    this.before = this.at
    const end = this.at + length
    if (!(length >= 0 && end <= this.#end)) throw malformed()
    this.at = end
    return end
  }
}

export function malformed(): MessagingError {
  return new MessagingError(
    'failedPrecondition',
    'a batch of records cannot be read: its lengths contradict each other',
    {
      system: 'kafka',
    },
  )
}
