import type { BrokerDelivery } from './broker-entry.ts'
import type { MessagePlan } from './schedule.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** One run of a handler. */
export interface Run {
  readonly process: SimulatedProcess
  readonly delivery: BrokerDelivery
  readonly attempt: number
  readonly startedAtMs: number
  endedAtMs: number | undefined
  outcome: 'succeeded' | 'failed' | undefined
  /** What it threw. */
  error: unknown
  /** How long it asked to wait. */
  askedDelayMs: number | undefined
  /** The handler looks at its signal, which so must abort when its lease is lost. */
  readonly signal: AbortSignal | undefined
  /** The store failed, or its process crashed, between the run and its completion: it may run again. */
  isExcused: boolean
}

/** What became of one message in one group. */
export class GroupRecord {
  readonly group: string
  readonly runs: Run[] = []
  readonly deliveries: BrokerDelivery[] = []
  /** The idempotency store remembers it as handled. */
  isCompleted = false
  deadLetters = 0
  /** Copies that the broker confirmed and that no original was accepted for yet, by process. */
  readonly copies = new Map<SimulatedProcess, number>()

  constructor(group: string) {
    this.group = group
  }

  get hasSucceeded(): boolean {
    return this.runs.some(({ outcome }) => outcome === 'succeeded')
  }

  /** Handled, or given up with a record. */
  get isOver(): boolean {
    return this.hasSucceeded || this.deadLetters > 0
  }

  get failures(): readonly Run[] {
    return this.runs.filter(({ outcome }) => outcome === 'failed')
  }

  runsOf(delivery: BrokerDelivery): readonly Run[] {
    return this.runs.filter((run) => run.delivery === delivery)
  }
}

/** One message, from its sending on. */
export class MessageRecord {
  readonly plan: MessagePlan
  readonly sender: SimulatedProcess
  readonly sentAtMs: number
  answer: 'none' | 'confirmed' | 'rejected' = 'none'
  /** The driver has told the core that the broker has it. */
  isConfirmed = false
  isStored = false
  readonly groups: ReadonlyMap<string, GroupRecord>

  constructor(plan: MessagePlan, sender: SimulatedProcess, groups: readonly string[]) {
    this.plan = plan
    this.sender = sender
    this.sentAtMs = sender.world.nowMs
    this.groups = new Map(groups.map((group) => [group, new GroupRecord(group)]))
  }

  in(group: string): GroupRecord {
    return this.groups.get(group) as GroupRecord
  }
}
