import type { Address, Outgoing, Settlement, WireMessage } from '@waybill/core/driver'
import type { ClaimHolder } from '@waybill/core'
import { type BrokerDelivery, numberOf } from './broker-entry.ts'
import { checkDeadLetter } from './dead-letter-rules.ts'
import { type GroupRecord, MessageRecord, type Run } from './message-record.ts'
import { profiles } from './profile.ts'
import { checkCopy, checkSettlement } from './settlement-rules.ts'
import type { MessagePlan, Schedule } from './schedule.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { checkStart } from './run-rules.ts'
import type { Trace } from './trace.ts'
import type { Invariant, Violation } from './violation.ts'
import type { World } from './world.ts'

/** A link that was lost is back by then, and what waited for it is sent. */
const returnsWithinMs = 15_000

/** Sees everything, knows what each moment must be like, and remembers the first that was not. */
export class Oracle {
  readonly schedule: Schedule
  readonly world: World
  readonly messages = new Map<number, MessageRecord>()
  /** Running handlers, by process and group. */
  readonly active = new Set<Run>()
  readonly hasClockSteps: boolean
  violation: Violation | undefined
  /** When the last fault has had its effect. */
  calmFromMs = Infinity
  readonly #trace: Trace
  readonly #numbers = new Map<string, number>()

  constructor(schedule: Schedule, world: World, trace: Trace) {
    this.schedule = schedule
    this.world = world
    this.#trace = trace
    this.hasClockSteps = schedule.steps.some(({ kind }) => kind === 'clockStep')
  }

  get capabilities() {
    return profiles[this.schedule.profile].capabilities
  }

  /** How retries are carried out, as the documentation of the driver interface says. */
  get retriesBy(): 'hold' | 'inPlace' | 'copy' {
    if (this.schedule.isKeyed) return 'hold'
    return this.capabilities.retryInPlace === undefined ? 'copy' : 'inPlace'
  }

  get isTraced(): boolean {
    return this.#trace.isKept
  }

  trace(line: string): void {
    this.#trace.add(this.world.nowMs, line)
  }

  /** The first one counts: what follows may follow from it. */
  violated(invariant: Invariant, detail: string): void {
    if (this.violation !== undefined) return
    this.violation = { invariant, atMs: this.world.nowMs, detail }
    this.trace(`VIOLATED ${invariant}: ${detail}`)
  }

  check(holds: boolean, invariant: Invariant, detail: () => string): void {
    if (!holds) this.violated(invariant, detail())
  }

  sending(plan: MessagePlan, process: SimulatedProcess): MessageRecord {
    const record = new MessageRecord(plan, process, this.schedule.groups)
    this.messages.set(plan.number, record)
    this.trace(`${process.name}: sends m${plan.number} of key ${plan.key}`)
    return record
  }

  /** A batch goes to the driver; `open` are not answered yet, this one included. */
  handed(process: SimulatedProcess, to: Address, batch: readonly Outgoing[], open: number): void {
    const { maxBatch, maxBatchesInFlight } = this.capabilities.send
    this.check(open <= maxBatchesInFlight, 'bounded', () => `${open} batches of ${process.name} are in flight`)
    this.check(batch.length <= maxBatch, 'bounded', () => `a batch of ${process.name} has ${batch.length} entries`)
    this.check(process.closedAtMs === Infinity, 'nothing-after-close', () => `${process.name} sends after close`)
    for (const { message, delayMs } of batch) {
      if (to.group !== undefined) checkCopy(this, process, to, message, delayMs)
    }
  }

  stored(process: SimulatedProcess, to: Address, message: WireMessage): void {
    const record = this.messages.get(numberOf(message)) as MessageRecord
    record.isStored = true
    if (message.id !== undefined) this.#numbers.set(message.id, numberOf(message))
    if (to.lane === 'dead') checkDeadLetter(this, record, process, to.group as string, message)
  }

  confirmed(process: SimulatedProcess, to: Address, message: WireMessage): void {
    const record = this.messages.get(numberOf(message)) as MessageRecord
    if (to.group === undefined) {
      record.isConfirmed = true
      return
    }
    const { copies } = record.in(to.group)
    copies.set(process, (copies.get(process) ?? 0) + 1)
  }

  answered(record: MessageRecord, error?: unknown): void {
    const { plan, sender, sentAtMs } = record
    const waitedMs = this.world.nowMs - sentAtMs
    const code = (error as { code?: string } | undefined)?.code
    this.trace(`${sender.name}: m${plan.number} ${error === undefined ? 'resolved' : `rejected (${code})`}`)
    record.answer = error === undefined ? 'confirmed' : 'rejected'
    if (error === undefined) {
      this.check(record.isConfirmed, 'confirmed-stored', () => `m${plan.number} resolved unconfirmed`)
      return
    }
    const isClosed = code === 'closed' && sender.closingAtMs < Infinity
    const isLate = code === 'timeout' && waitedMs >= plan.sendTimeoutMs
    const calmMs = this.world.nowMs - this.calmFromMs
    const because = () => `m${plan.number} was rejected though nothing disturbed anybody for ${calmMs} ms`
    this.check(isClosed || calmMs < returnsWithinMs, 'answered-in-time', because)
    this.check(
      isClosed || isLate,
      'answered-in-time',
      () => `m${plan.number} was rejected with ${code} after ${waitedMs} of ${plan.sendTimeoutMs} ms: ${String(error)}`,
    )
  }

  delivered(delivery: BrokerDelivery): void {
    const record = this.messages.get(delivery.entry.number) as MessageRecord
    record.in(delivery.lane.group).deliveries.push(delivery)
  }

  started(run: Run, group: GroupRecord, record: MessageRecord): void {
    this.trace(`${run.process.name}: ${group.group} runs m${record.plan.number}, attempt ${run.attempt}`)
    checkStart(this, run, group, record)
    group.runs.push(run)
    this.active.add(run)
  }

  ended(run: Run, group: GroupRecord, record: MessageRecord, error?: unknown): void {
    run.endedAtMs = this.world.nowMs
    run.outcome = error === undefined ? 'succeeded' : 'failed'
    run.error = error
    this.active.delete(run)
    this.trace(`${run.process.name}: ${group.group} ${run.outcome} m${record.plan.number}`)
  }

  settled(process: SimulatedProcess, delivery: BrokerDelivery, settlement: Settlement, isVoid: boolean): void {
    const { group } = delivery.lane
    this.trace(`${process.name}: settles m${delivery.entry.number} of ${group}: ${settlement.kind}`)
    const record = this.messages.get(delivery.entry.number) as MessageRecord
    checkSettlement(this, process, delivery, settlement, record.in(group), isVoid)
  }

  /** The process knows that these deliveries are lost: whoever handles them is to be told. */
  leasesLost(process: SimulatedProcess): void {
    for (const run of this.active) {
      if (run.process !== process || run.signal === undefined || run.delivery.lease.state !== 'lost') continue
      const { number } = run.delivery.entry
      this.check(run.signal.aborted, 'lease-signal', () => `the handler of m${number} was not told`)
    }
  }

  /** The process is gone: its runs never end, and none of them is to blame for what comes. */
  crashed(process: SimulatedProcess): void {
    for (const run of this.active) if (run.process === process) this.active.delete(run)
    this.#excuse((run) => run.process === process)
  }

  /** The store remembers it from now on. `scope` is the core's: channel and group. */
  completed({ scope, key }: ClaimHolder): void {
    const group = scope.slice(scope.indexOf('/') + 1)
    const id = key.slice(key.indexOf('\n') + 1)
    const number = this.#numbers.get(id)
    if (number !== undefined) (this.messages.get(number) as MessageRecord).in(group).isCompleted = true
  }

  storeFailed(): void {
    this.#excuse(() => true)
  }

  #excuse(which: (run: Run) => boolean): void {
    for (const { groups } of this.messages.values()) {
      for (const { runs } of groups.values()) for (const run of runs) if (which(run)) run.isExcused = true
    }
  }
}
