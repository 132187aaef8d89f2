import type { Address, Outgoing, SendDone } from '@waybill/core/driver'
import { numberOf } from './broker-entry.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedConnection } from './simulated-connection.ts'

const requestTimeoutMs = 2_000

interface Batch {
  readonly to: Address
  readonly entries: readonly Outgoing[]
  readonly done: SendDone
  readonly isDone: boolean[]
  left: number
}

/** What was sent to an address behind a refused message is refused with it, or it would overtake. */
interface Refusal {
  isTold: boolean
  /** Those sent to it so far, when it was told. */
  upTo: number
}

/** The sending half of a connection: batches on their way, confirms on their way back. */
export class SimulatedSender {
  /** Until then sends may be refused, or their answers lost. */
  flakyUntilMs = 0
  readonly #connection: SimulatedConnection
  readonly #random: SeededRandom
  readonly #open = new Set<Batch>()
  readonly #refusals = new Map<string, Refusal>()
  /** Arrived while the broker blocks senders; they keep their order. */
  #blocked: (() => void)[] = []
  #sent = 0
  #whenFlushed: (() => void)[] = []

  constructor(connection: SimulatedConnection, random: SeededRandom) {
    this.#connection = connection
    this.#random = random
  }

  send(to: Address, entries: readonly Outgoing[], done: SendDone): void {
    const batch = { to, entries, done, isDone: entries.map(() => false), left: entries.length }
    const { process, broker, isUp } = this.#connection
    const { oracle } = broker
    this.#open.add(batch)
    oracle.handed(process, to, entries, [...this.#open].filter((each) => nameOf(each.to) === nameOf(to)).length)
    if (!isUp) return void process.after(0, () => this.#failAll(batch, 'notSent'))
    const place = ++this.#sent
    if (broker.profile.isRequestBased && this.#isFlaky) return this.#sendUnreliably(batch)
    this.#connection.tell(() => this.#arrive(batch, place))
  }

  flushed(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenFlushed.push(resolve))
  }

  /** The connection is gone: nobody knows what arrived. */
  end(_error: Error): void {
    for (const batch of [...this.#open]) this.#failAll(batch, 'unknown')
  }

  get #isFlaky(): boolean {
    return this.flakyUntilMs > this.#connection.broker.world.nowMs && this.#random.oneIn(2)
  }

  #arrive(batch: Batch, place: number): void {
    const { broker } = this.#connection
    if (broker.blockedUntilMs > broker.world.nowMs || this.#blocked.length > 0) {
      this.#blocked.push(() => this.#serve(batch, place))
      if (this.#blocked.length === 1) this.#waitForUnblocking()
    } else this.#serve(batch, place)
  }

  #waitForUnblocking(): void {
    const { broker } = this.#connection
    const waitMs = broker.blockedUntilMs - broker.world.nowMs
    if (waitMs > 0) return void broker.world.after(waitMs, () => this.#waitForUnblocking())
    for (const serve of this.#blocked.splice(0)) if (!this.#connection.isCut) serve()
  }

  #serve(batch: Batch, place: number): void {
    const refusal = this.#refusals.get(nameOf(batch.to))
    if (refusal !== undefined && (!refusal.isTold || place <= refusal.upTo)) return this.#refuse(batch, 0)
    const { profile } = this.#connection.broker
    const refused = !profile.isRequestBased && this.#isFlaky ? this.#random.between(0, batch.entries.length - 1) : -1
    for (const [index, entry] of batch.entries.entries()) {
      if (index === refused) return this.#refuseAllBehind(batch, index)
      this.#store(batch, entry)
      this.#connection.hear(() => this.#confirm(batch, index))
    }
  }

  #refuseAllBehind(batch: Batch, index: number): void {
    const refusal: Refusal = { isTold: false, upTo: 0 }
    this.#refusals.set(nameOf(batch.to), refusal)
    this.#refuse(batch, index, () => {
      refusal.isTold = true
      refusal.upTo = this.#sent
    })
  }

  #refuse(batch: Batch, from: number, told: () => void = () => {}): void {
    this.#connection.broker.oracle.trace(`broker: refuses a send of ${this.#connection.process.name}`)
    this.#connection.hear(() => {
      told()
      for (let index = from; index < batch.entries.length; index++) this.#fail(batch, index, 'notSent')
    })
  }

  /** As over HTTP: a request that times out may have arrived. */
  #sendUnreliably(batch: Batch): void {
    const { process, broker } = this.#connection
    const arrives = this.#random.oneIn(2)
    broker.oracle.trace(`network: loses ${arrives ? 'the answer to' : ''} a send of ${process.name}`)
    if (arrives) this.#connection.tell(() => this.#storeAll(batch))
    process.after(requestTimeoutMs, () => this.#failAll(batch, 'unknown'))
  }

  #storeAll(batch: Batch): void {
    for (const entry of batch.entries) this.#store(batch, entry)
  }

  #store(batch: Batch, { message, delayMs }: Outgoing): void {
    const { broker, process } = this.#connection
    broker.oracle.stored(process, batch.to, message)
    broker.store(batch.to, message, delayMs)
  }

  #confirm(batch: Batch, index: number): void {
    if (batch.isDone[index]) return
    batch.isDone[index] = true
    const { broker, process } = this.#connection
    const { message } = batch.entries[index] as Outgoing
    broker.oracle.trace(`${process.name}: send of m${numberOf(message)} confirmed`)
    broker.oracle.confirmed(process, batch.to, message)
    this.#count(batch)
    batch.done(index)
  }

  #fail(batch: Batch, index: number, outcome: 'notSent' | 'unknown'): void {
    if (batch.isDone[index]) return
    batch.isDone[index] = true
    const { message } = batch.entries[index] as Outgoing
    const { broker, process } = this.#connection
    broker.oracle.trace(`${process.name}: send of m${numberOf(message)} failed (${outcome})`)
    this.#count(batch)
    batch.done(index, { error: new Error('the send failed'), outcome })
  }

  #failAll(batch: Batch, outcome: 'notSent' | 'unknown'): void {
    for (let index = 0; index < batch.entries.length; index++) this.#fail(batch, index, outcome)
  }

  #count(batch: Batch): void {
    if (--batch.left > 0) return
    this.#open.delete(batch)
    if (this.#open.size === 0) for (const flushed of this.#whenFlushed.splice(0)) flushed()
  }
}

function nameOf({ channel, group, lane }: Address): string {
  return `${channel}/${group ?? ''}/${lane ?? ''}`
}
