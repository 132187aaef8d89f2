import type { LogRecorder } from './log-recorder.ts'
import { Member } from './member.ts'
import { Oracle } from './oracle.ts'
import { profiles } from './profile.ts'
import { endOf, isFault, type Schedule, type Step } from './schedule.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedBroker } from './simulated-broker.ts'
import { SimulatedStore } from './simulated-store.ts'
import { describe } from './story.ts'
import { Trace } from './trace.ts'
import { unhandledErrors } from './unhandled-errors.ts'
import type { Violation } from './violation.ts'
import { World } from './world.ts'

/** Every wait of the core put end to end: send deadlines, claims of the dead, hanging handlers, backoff. */
const restsWithinMs = 900_000
const lookEveryMs = 250
const finalDrainMs = 30_000

export interface Outcome {
  readonly violation: Violation | undefined
  readonly trace: Trace
  readonly virtualMs: number
}

export interface SimulationOptions {
  /** Keeps the story, to be told. */
  readonly traced: boolean
  /** Writes down what happens at the drivers' interface. Default: nobody does. */
  readonly recorder?: LogRecorder
}

/** Runs one schedule from start to end, on the core as it is. The same schedule gives the same trace. */
export async function simulate(schedule: Schedule, options: SimulationOptions): Promise<Outcome> {
  const simulation = new Simulation(schedule, options)
  return await simulation.run()
}

class Simulation {
  readonly #schedule: Schedule
  readonly #trace: Trace
  readonly #world = new World()
  readonly #oracle: Oracle
  readonly #broker: SimulatedBroker
  readonly #store: SimulatedStore
  readonly #members: readonly Member[]
  #isOver = false

  constructor(schedule: Schedule, { traced, recorder }: SimulationOptions) {
    this.#schedule = schedule
    this.#trace = new Trace(traced)
    this.#oracle = new Oracle(schedule, this.#world, this.#trace)
    const { seed, profile } = schedule
    this.#broker = new SimulatedBroker(this.#world, profiles[profile], new SeededRandom(seed, 2), this.#oracle)
    this.#store = new SimulatedStore(this.#world, new SeededRandom(seed, 3), this.#oracle)
    const parts = { schedule, broker: this.#broker, store: this.#store, oracle: this.#oracle, recorder }
    this.#members = schedule.members.map((_, index) => new Member(parts, index))
  }

  async run(): Promise<Outcome> {
    const unhandled = unhandledErrors((error) => this.#oracle.violated('no-crash', `unhandled: ${String(error)}`))
    for (const member of this.#members) void member.start()
    // Members get a moment to come up: what is sent before is not sent at all.
    const firstMs = 10 * this.#schedule.latencyMs + 50
    for (const step of this.#schedule.steps) this.#world.after(firstMs + step.atMs, () => this.#take(step))
    const lastMs = firstMs + Math.max(0, ...this.#schedule.steps.map(endOf))
    this.#oracle.calmFromMs = firstMs + Math.max(0, ...this.#schedule.steps.filter(isFault).map(endOf))
    this.#world.after(lastMs + 1, () => this.#await(this.#world.nowMs + restsWithinMs))
    await this.#world.run(() => this.#isOver || this.#oracle.violation !== undefined)
    if (this.#world.isTooBusy) this.#oracle.violated('liveness', 'it runs in circles without an end')
    else if (!this.#isOver) this.#oracle.violated('liveness', 'everything stands still before the end')
    unhandled.end()
    return { violation: this.#oracle.violation, trace: this.#trace, virtualMs: this.#world.nowMs }
  }

  #take(step: Step): void {
    if (step.kind !== 'send') this.#oracle.trace(`* ${describe(step, this.#schedule)}`)
    const member = 'member' in step ? (this.#members[step.member] as Member) : undefined
    switch (step.kind) {
      case 'send':
        return member?.send(step.message)
      case 'crash':
        return member?.crash(step.noticedAfterMs, step.downMs)
      case 'close':
        return void member?.close(step.drainMs, step.downMs)
      case 'pause':
        return member?.pause(step.forMs)
      case 'concurrency':
        return member?.setConcurrency(step.to)
      case 'clockStep':
        return member?.process?.stepClock(step.byMs)
      case 'cut':
      case 'stall':
      case 'flaky':
      case 'expire':
        return this.#disturb(member as Member, step)
      case 'outage':
        this.#broker.stop()
        return void this.#world.after(step.forMs, () => {
          this.#broker.isUp = true
        })
      case 'block':
        return this.#broker.block(step.forMs)
      case 'rebalance':
        for (const lane of this.#broker.lanes()) lane.rebalance()
        return
      case 'duplicate':
        return this.#broker.duplicate()
      case 'storeDown':
        return this.#store.goDown(step.forMs)
      case 'storeSlow':
        return this.#store.slowDown(step.forMs)
    }
  }

  #disturb(member: Member, step: Extract<Step, { kind: 'cut' | 'stall' | 'flaky' | 'expire' }>): void {
    for (const connection of [...this.#broker.connections]) {
      if (connection.process !== member.process) continue
      if (step.kind === 'stall') connection.stall(step.forMs)
      else if (step.kind === 'flaky') connection.sender.flakyUntilMs = this.#world.nowMs + step.forMs
      else if (step.kind === 'expire') connection.expire()
      else if (step.role === 'both' || step.role === connection.role) {
        connection.cut(step.clientNoticesMs, step.brokerNoticesMs)
      }
    }
  }

  /** Faults are over: looks now and then whether everything has come to rest. */
  #await(giveUpAtMs: number): void {
    for (const member of this.#members) member.checkBounds()
    if (this.#isAtRest) return void this.#end()
    if (this.#world.nowMs >= giveUpAtMs) return this.#oracle.violated('liveness', this.#whatIsLeft())
    this.#world.after(lookEveryMs, () => this.#await(giveUpAtMs))
  }

  get #isAtRest(): boolean {
    if (!this.#broker.isEmpty || this.#members.some(({ isOpen }) => !isOpen)) return false
    for (const { answer, sender } of this.#oracle.messages.values())
      if (answer === 'none' && sender.isAlive) return false
    return true
  }

  #whatIsLeft(): string {
    const waiting: string[] = []
    for (const { group, lane, entries } of this.#broker.lanes()) {
      if (lane !== 'dead')
        for (const { number, state } of entries) waiting.push(`m${number} ${state} in ${group}/${lane}`)
    }
    for (const { answer, sender, plan } of this.#oracle.messages.values()) {
      if (answer === 'none' && sender.isAlive) waiting.push(`the send of m${plan.number}`)
    }
    return `still waiting: ${waiting.join(', ') || 'for a member to start'}`
  }

  async #end(): Promise<void> {
    for (const { answer, groups, plan } of this.#oracle.messages.values()) {
      if (answer !== 'confirmed') continue
      for (const group of groups.values()) {
        const detail = () => `m${plan.number} was confirmed, and ${group.group} never had it`
        this.#oracle.check(group.isOver, 'confirmed-delivered', detail)
      }
    }
    await Promise.all(this.#members.map((member) => member.close(finalDrainMs, undefined)))
    const open = [...this.#broker.connections].filter(({ isUp, process }) => isUp && process.isAlive).length
    this.#oracle.check(open === 0, 'nothing-after-close', () => `${open} connections are open after close`)
    this.#isOver = true
  }
}
