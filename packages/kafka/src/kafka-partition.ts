import { ContiguousPrefixAcker, SharedLease } from '@waybill/core/driver'
import type { KafkaRecord, PartitionOffset, TopicPartition } from './kafka-client.ts'

/** A record on its way: the acker's slot for it. */
export type Slot = ReturnType<ContiguousPrefixAcker<string>['begin']>

/** How far ahead of a message that is not settled the others may run: what is kept of each is little, not nothing. */
const maxAhead = 100_000

/**
 * What a listener holds of one partition: records that wait to be delivered, one lease for those that are, and how far
 * the group may be said to be. Only the unbroken run of settled records is committed. Conformance: SET-12.
 */
export class PartitionIntake implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly lease = new SharedLease()
  /** Delivered and not resolved. */
  open = 0
  readonly #acker: ContiguousPrefixAcker<string>
  readonly #onSettled: (partition: PartitionIntake) => void
  #records: readonly KafkaRecord[] = []
  #at = 0
  #taken: (() => void) | undefined
  /** Behind the last one that was delivered. */
  #delivered: bigint | string
  /** Up to here there is nothing behind the records that wait. */
  #passed: bigint | undefined
  #settled: string | undefined
  #committed: string | undefined
  readonly #begin: bigint
  /** The group is to know where it began here. */
  #isBeginDue = false
  #isBlocked = false
  #whenIdle: (() => void)[] = []

  constructor(from: PartitionOffset, onSettled: (partition: PartitionIntake) => void) {
    this.topic = from.topic
    this.partition = from.partition
    this.#delivered = this.#begin = from.offset
    this.#onSettled = onSettled
    this.#acker = new ContiguousPrefixAcker((last) => this.#settle(last))
  }

  /** Where the next record to be delivered is, or is to come. */
  get next(): bigint {
    return typeof this.#delivered === 'string' ? BigInt(this.#delivered) + 1n : this.#delivered
  }

  get hasRecord(): boolean {
    return this.#at < this.#records.length
  }

  /** Takes records over; resolves when more are wanted, which is before the last of these is delivered. */
  receive(records: readonly KafkaRecord[]): Promise<void> {
    if (this.#isBlocked) return never
    this.#passed = undefined
    this.#records = this.#at < this.#records.length ? [...this.#records.slice(this.#at), ...records] : records
    this.#at = 0
    return new Promise((resolve) => {
      this.#taken = resolve
    })
  }

  /** The next one, whose turn it is. */
  take(): KafkaRecord {
    const record = this.#records[this.#at++] as KafkaRecord
    this.#delivered = record.offset
    if (this.#taken !== undefined && this.#at * 2 >= this.#records.length) this.#askForMore()
    return record
  }

  begin(record: KafkaRecord): Slot {
    const slot = this.#acker.begin(record.offset)
    if (this.#passed !== undefined && !this.hasRecord) this.#goPast(this.#passed)
    return slot
  }

  /** Behind what was received there is nothing before `next`: as good as settled, once all before it is. */
  pass(next: bigint): void {
    if (this.#isBlocked) return
    if (this.hasRecord) this.#passed = next
    else this.#goPast(next)
  }

  #goPast(next: bigint): void {
    this.#passed = undefined
    if (next <= this.next) return
    const last = (next - 1n).toString()
    this.#delivered = last
    this.accept(this.#acker.begin(last))
  }

  accept(slot: Slot): void {
    this.#acker.finish(slot)
  }

  /** Nothing behind it can be committed any more, so nothing more is delivered. */
  release(slot: Slot): void {
    this.#acker.abandon(slot)
    this.stop()
  }

  /** Delivers nothing more. */
  stop(): void {
    this.#isBlocked = true
    this.#passed = undefined
    this.#records = []
    this.#at = 0
  }

  /** Settling is void from now on. */
  lose(): void {
    this.stop()
    this.lease.lose()
    this.#tellIdle()
  }

  resolved(): void {
    if (--this.open === 0) this.#tellIdle()
  }

  /** Resolves when all that was delivered is resolved, or void. */
  idle(): Promise<void> {
    if (this.open === 0 || this.lease.state === 'lost') return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
    })
  }

  #tellIdle(): void {
    for (const tell of this.#whenIdle.splice(0)) tell()
  }

  /** Nobody of the group ever had it: where it begins is to be committed too. */
  claim(): void {
    this.#isBeginDue = true
  }

  /** What is to be committed; `undefined`: nothing new. */
  get uncommitted(): PartitionOffset | undefined {
    if (this.lease.state === 'lost') return undefined
    const { topic, partition } = this
    if (this.#settled === undefined) return this.#isBeginDue ? { topic, partition, offset: this.#begin } : undefined
    return this.#settled === this.#committed ? undefined : { topic, partition, offset: BigInt(this.#settled) + 1n }
  }

  committed({ offset }: PartitionOffset): void {
    this.#isBeginDue = false
    this.#committed = (offset - 1n).toString()
  }

  #settle(last: string): void {
    this.#settled = last
    if (this.#taken !== undefined && this.#at * 2 >= this.#records.length) this.#askForMore()
    this.#onSettled(this)
  }

  #askForMore(): void {
    const settled = this.#settled === undefined ? this.#begin : BigInt(this.#settled)
    if (this.next - settled > maxAhead) return
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }
}

const never = new Promise<void>(() => {})
