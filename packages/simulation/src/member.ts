import { channel, type Codec, type Consumer, type Messaging } from '@waybill/core'
import { connectWith } from '@waybill/core/driver'
import type { Oracle } from './oracle.ts'
import type { LogRecorder } from './log-recorder.ts'
import type { MemberPlan, MessagePlan, Schedule } from './schedule.ts'
import { SeededRandom } from './seeded-random.ts'
import type { SimulatedBroker } from './simulated-broker.ts'
import { simulatedDriver } from './simulated-driver.ts'
import { simulatedHandler } from './simulated-handler.ts'
import { SimulatedProcess } from './simulated-process.ts'
import type { SimulatedStore } from './simulated-store.ts'

/** What closing may take on top of draining: two links, five seconds each, side by side, and a few ways there and back. */
const closeSlackMs = 6_000
/** Of the core, the driver and the store; a handler has none. */
const mostTimers = 200

interface Order {
  readonly number: number
  readonly key: string
}

export interface MemberParts {
  readonly schedule: Schedule
  readonly broker: SimulatedBroker
  readonly store: SimulatedStore
  readonly oracle: Oracle
  readonly recorder: LogRecorder | undefined
}

/** One member of the system: a program that is started, runs, crashes or closes, and is started again. */
export class Member {
  readonly plan: MemberPlan
  process: SimulatedProcess | undefined
  readonly #parts: MemberParts
  readonly #index: number
  readonly #channel
  readonly #consumers: Consumer[] = []
  #messaging: Messaging | undefined
  #starts = 0

  constructor(parts: MemberParts, index: number) {
    this.#parts = parts
    this.#index = index
    this.plan = parts.schedule.members[index] as MemberPlan
    const { groups, isKeyed } = parts.schedule
    this.#channel = channel('orders', {
      schema: this.#codec,
      groups: [...groups],
      key: ({ key }: Order) => key,
      ...(isKeyed ? { ordering: 'key' as const } : {}),
    })
  }

  get isOpen(): boolean {
    return this.#messaging !== undefined
  }

  async start(): Promise<void> {
    const { schedule, broker, oracle, recorder } = this.#parts
    const { world } = oracle
    const streamOfStart = 100 + this.#index * 1_000 + this.#starts
    this.#starts++
    const name = this.#starts === 1 ? this.plan.name : `${this.plan.name}${this.#starts}`
    const process = new SimulatedProcess(name, world, new SeededRandom(schedule.seed, streamOfStart))
    process.mostRuns = this.#mostRuns
    this.process = process
    oracle.trace(`${name}: starts`)
    const random = new SeededRandom(schedule.seed, streamOfStart + 500)
    const driver = simulatedDriver({ broker, process, random, latencyMs: schedule.latencyMs, recorder })
    try {
      const messaging = await connectWith(process.runtime, driver, {
        source: '/simulation',
        waitForBrokerMs: 3_600_000,
        // Events are made ready for whoever asks for them, which takes its time.
        ...(oracle.isTraced ? { onEvent: ({ type }) => oracle.trace(`${name}: event ${type}`) } : {}),
      })
      this.#messaging = messaging
      if (this.plan.consumes) for (const group of schedule.groups) await this.#consume(messaging, process, group)
    } catch (error) {
      const isClosing = process.closingAtMs < Infinity
      oracle.check(isClosing, 'no-crash', () => `${name} could not start: ${String(error)}`)
    }
  }

  /** Sends, if there is anybody to. */
  send(plan: MessagePlan): void {
    const messaging = this.#messaging
    const process = this.process as SimulatedProcess
    if (messaging === undefined) return
    const { oracle } = this.#parts
    const record = oracle.sending(plan, process)
    const { number, key, sendTimeoutMs } = plan
    messaging.send(this.#channel, { number, key }, { timeoutMs: sendTimeoutMs, headers: { tag: `t${number}` } }).then(
      () => oracle.answered(record),
      (error: unknown) => oracle.answered(record, error),
    )
  }

  /** The power goes: nothing of the process goes on, and nobody is told. */
  crash(noticedAfterMs: number, downMs: number): void {
    const { process } = this
    if (process?.isAlive !== true || process.closedAtMs < Infinity) return
    const { oracle, broker } = this.#parts
    oracle.trace(`${process.name}: crashes`)
    process.isAlive = false
    this.#messaging = undefined
    this.#consumers.length = 0
    oracle.crashed(process)
    for (const connection of [...broker.connections]) {
      if (connection.process === process) connection.cut(0, noticedAfterMs)
    }
    oracle.world.after(downMs, () => void this.start())
  }

  /** Drains and leaves; comes back after `downMs`, unless that is `undefined`. */
  async close(drainMs: number, downMs: number | undefined): Promise<void> {
    const { process } = this
    const messaging = this.#messaging
    if (process === undefined || messaging === undefined) return
    const { oracle } = this.#parts
    const { world } = oracle
    oracle.trace(`${process.name}: closes within ${drainMs} ms`)
    process.closingAtMs = world.nowMs
    this.#messaging = undefined
    this.#consumers.length = 0
    await messaging.close({ drainMs })
    const tookMs = world.nowMs - process.closingAtMs
    process.closedAtMs = world.nowMs
    oracle.trace(`${process.name}: closed after ${tookMs} ms`)
    const mostMs = drainMs + closeSlackMs
    oracle.check(tookMs <= mostMs, 'close-in-time', () => `${process.name} took ${tookMs} ms to close, not ${mostMs}`)
    const { pendingTimers } = process
    oracle.check(
      pendingTimers === 0,
      'nothing-after-close',
      () => `${process.name} closed with ${pendingTimers} timers`,
    )
    if (downMs !== undefined) world.after(downMs, () => void this.start())
  }

  pause(forMs: number): void {
    const consumers = [...this.#consumers]
    for (const consumer of consumers) consumer.pause()
    this.process?.after(forMs, () => {
      for (const consumer of consumers) consumer.resume()
    })
  }

  setConcurrency(to: number): void {
    for (const consumer of this.#consumers) consumer.setConcurrency(to)
  }

  checkBounds(): void {
    const { oracle } = this.#parts
    const { process } = this
    if (process === undefined) return
    const { pendingTimers } = process
    oracle.check(pendingTimers <= mostTimers, 'bounded', () => `${process.name} has ${pendingTimers} timers`)
  }

  async #consume(messaging: Messaging, process: SimulatedProcess, group: string): Promise<void> {
    const { schedule, oracle, store } = this.#parts
    const consumer = await messaging.consume(
      this.#channel,
      {
        group,
        concurrency: this.plan.concurrency,
        retry: schedule.retry,
        ...(schedule.timeoutMs === undefined ? {} : { timeoutMs: schedule.timeoutMs }),
        ...(schedule.isIdempotent ? { idempotency: { store: store.seenBy(process) } } : {}),
      },
      ({ number }: Order, context) => simulatedHandler(oracle, process, number, context),
    )
    if (process.isAlive && process.closingAtMs === Infinity) this.#consumers.push(consumer)
  }

  /** The highest that it ever asks for: what runs already may go on when it asks for less. */
  get #mostRuns(): number {
    const { steps } = this.#parts.schedule
    const asked = steps.map((step) => (step.kind === 'concurrency' && step.member === this.#index ? step.to : 0))
    return Math.max(this.plan.concurrency, ...asked)
  }

  /** One byte on the wire; the key travels beside it. */
  get #codec(): Codec<Order> {
    return {
      contentType: 'application/octet-stream',
      encode: ({ number }) => Uint8Array.of(number),
      decode: (body) => ({ number: body?.[0] ?? -1, key: '' }),
    }
  }
}
