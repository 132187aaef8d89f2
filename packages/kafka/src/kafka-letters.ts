import type { KafkaRecord } from './kafka-client.ts'
import { keyHeader } from './kafka-header-names.ts'

/** A dead letter in its topic. */
export interface Letter {
  readonly partition: number
  readonly record: KafkaRecord
  /** The key of the tombstone that buries it. */
  readonly key: Buffer
  /** `<partition>@<offset>` */
  readonly position: string
}

/**
 * The letters of a topic, in order, without those that a later record buries.
 *
 * A letter of our own has a key that no other has, and in a compacted topic nothing but the key counts. Elsewhere what
 * others wrote may have any key, or none, so that its place in the log is what buries it.
 */
export class Letters {
  readonly #isCompacted: boolean
  readonly #letters = new Map<string, Letter>()

  constructor(isCompacted: boolean) {
    this.#isCompacted = isCompacted
  }

  read(partition: number, record: KafkaRecord): void {
    const name = record.key === null ? undefined : `${partition}/${record.key.toString('latin1')}`
    if (record.value === null) {
      if (name !== undefined) this.#letters.delete(name)
      return
    }
    const position = `${partition}@${record.offset}`
    const isOurs = record.headers.some(({ name }) => name === keyHeader)
    const hasOwnKey = record.key !== null && (isOurs || this.#isCompacted)
    const key = hasOwnKey ? (record.key as Buffer) : Buffer.from(`${placeKey}${position}`)
    const letter = { partition, record, key, position }
    this.#letters.set(`${partition}/${key.toString('latin1')}`, letter)
  }

  all(): Iterable<Letter> {
    return this.#letters.values()
  }
}

const placeKey = 'waybill-at:'
