import type { ChannelDefinition } from './channel.ts'
import type { TaskRunner } from './channel-consumer.ts'
import type { Connection } from './connection.ts'
import type { BatchContext } from './consumer.ts'
import type { Timer } from './driver/clock.ts'
import { isExpired } from './expiry.ts'
import type { Intake } from './intake.ts'
import { decode, ReceivedMessage, type Decoded } from './message-decoder.ts'
import { MessagingError } from './messaging-error.ts'
import { deadLetter } from './outcome.ts'
import type { Recovery } from './recovery.ts'
import type { Task } from './task.ts'
import type { ProcessObservation, Telemetry } from './telemetry.ts'

export type BatchHandler = (
  messages: readonly ReceivedMessage[],
  context: BatchContext<ReceivedMessage>,
) => Promise<void>

export interface BatchRunOptions {
  readonly connection: Connection
  readonly channel: ChannelDefinition
  readonly handler: BatchHandler
  readonly maxSize: number
  readonly maxWaitMs: number
  readonly timeoutMs: number | undefined
  readonly recovery: Recovery
  readonly intake: () => Intake
  readonly nextId: () => string
  readonly group: string
  readonly telemetry: Telemetry | undefined
}

interface Entry {
  readonly task: Task
  readonly message: ReceivedMessage
}

/**
 * Collects messages and hands them over together: at `maxSize`, or `maxWaitMs` after the first. One that fails is
 * retried alone. Conformance: BAT-01 to BAT-06.
 */
export class BatchRun implements TaskRunner {
  readonly #options: BatchRunOptions
  readonly #entries: Entry[] = []
  #running = 0
  /** What is there need not wait for more. */
  #isDue = false
  #timer: Timer | undefined
  #early: Timer | undefined

  constructor(options: BatchRunOptions) {
    this.#options = options
  }

  /** Adds the task to the next batch. A message that had a run of its own before runs alone again. */
  start(task: Task): void {
    let decoded: Decoded | Promise<Decoded>
    try {
      const { connection, channel, group } = this.#options
      if (isExpired(task, { connection, channel: channel.name, group })) return this.#accept(task)
      decoded = decode(channel, task.wire)
    } catch (error) {
      return this.#invalid(task, error)
    }
    if (!(decoded instanceof Promise)) return this.#collect(task, decoded)
    decoded.then(
      (settled) => this.#collect(task, settled),
      (error: unknown) => this.#invalid(task, error),
    )
  }

  /** Hands over what is there, full or not. */
  flush(): void {
    this.#isDue = true
    this.#handOver()
  }

  giveBack(): void {
    for (const { task } of this.#entries.splice(0)) this.#options.intake().finish(task, { kind: 'release' })
    this.#handOver()
  }

  proceed(): void {
    this.#handOver()
  }

  /** Does not wait for a batch to fill up when all there is waits for keys in it. */
  onKeyWaits(): void {
    const { connection, intake } = this.#options
    this.#early ??= connection.timers.after(0, () => {
      this.#early = undefined
      if (intake().waitsForKeys) this.flush()
    })
  }

  #collect(task: Task, decoded: Decoded): void {
    const { channel, connection, intake, maxSize, maxWaitMs, nextId } = this.#options
    if (!decoded.known && channel.several) return this.#invalid(task, unknownType(channel, decoded.type))
    const message = new ReceivedMessage(task.delivery, task.messageId(nextId), decoded, channel.name)
    this.#entries.push({ task, message })
    this.#timer ??= connection.timers.after(maxWaitMs, () => this.flush())
    if (intake().isStopping) this.flush()
    else if (intake().isGivingBack) this.giveBack()
    else if (this.#entries.length >= maxSize) this.#handOver()
  }

  /** Starts what is full or due, as many batches at a time as the consumer may run. What is behind them gathers. */
  #handOver(): void {
    const { maxSize, intake } = this.#options
    while (this.#isReady && this.#running < intake().concurrency / maxSize) {
      const entries = this.#entries.splice(0, maxSize).filter(({ task }) => !this.#givesBack(task))
      if (entries.length > 0) void this.#runNext(entries)
    }
    if (this.#entries.length > 0) return
    this.#isDue = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  get #isReady(): boolean {
    return this.#entries.length >= this.#options.maxSize || (this.#isDue && this.#entries.length > 0)
  }

  async #runNext(entries: readonly Entry[]): Promise<void> {
    this.#running++
    await this.#runBatch(entries)
    this.#running--
    this.#handOver()
  }

  async #runBatch(entries: readonly Entry[]): Promise<void> {
    const outcomes = await this.#call(entries)
    if (outcomes !== undefined) return this.#settle(entries, outcomes)
    if (entries.length === 1) return
    // The batch as a whole failed, nobody knows by which entry: each runs alone, and only that run counts.
    for (const entry of entries) {
      if (this.#givesBack(entry.task)) continue
      const outcome = await this.#call([entry])
      if (outcome !== undefined) this.#settle([entry], outcome)
    }
  }

  /** The failures by entry; `undefined`: the handler threw. A single entry's throw is settled as its own. */
  async #call(entries: readonly Entry[]): Promise<ReadonlyMap<Task, unknown> | undefined> {
    const failures = new Map<Task, unknown>()
    const { handler, connection, timeoutMs } = this.#options
    const controller = new AbortController()
    const timer =
      timeoutMs === undefined
        ? undefined
        : connection.timers.after(timeoutMs, () => controller.abort(tooLong(timeoutMs)))
    const signal = AbortSignal.any([controller.signal, ...entries.map(({ task }) => task.signal)])
    const observation = this.#observe(entries)
    const messages = entries.map(({ message }) => message)
    const run = () => handler(messages, contextOf(entries, failures, signal))
    try {
      await (observation === undefined ? run() : observation.run(run))
      observation?.end()
      return failures
    } catch (error) {
      observation?.end(error ?? new Error(`the handler threw ${String(error)}`))
      if (entries.length > 1) return undefined
      return new Map([[entries[0]!.task, error]])
    } finally {
      timer?.cancel()
    }
  }

  #settle(entries: readonly Entry[], failures: ReadonlyMap<Task, unknown>): void {
    for (const { task } of entries) {
      if (failures.has(task)) this.#options.recovery.failed(task, failures.get(task))
      else this.#accept(task)
    }
  }

  #accept(task: Task): void {
    this.#options.recovery.settled(task, 'accept')
    this.#options.intake().finish(task, { kind: 'accept' })
  }

  #observe(entries: readonly Entry[]): ProcessObservation | undefined {
    const { telemetry, connection, channel, group } = this.#options
    const [first] = entries
    if (telemetry === undefined || first === undefined) return undefined
    return telemetry.processing({
      system: connection.driver.system,
      channel: channel.name,
      group,
      attempt: Math.max(...entries.map(({ task }) => task.attempt)),
      bytes: entries.reduce((sum, { task }) => sum + (task.wire.body?.byteLength ?? 0), 0),
      batch: entries.map(({ task }) => task.wire.headers),
      ...(entries.length > 1 ? {} : { id: first.message.id, headers: first.task.wire.headers }),
    })
  }

  /** Whether it is too late to run it: settled already, lost, or given up by a consumer that closes. */
  #givesBack(task: Task): boolean {
    if (task.state === 'settled') return true
    if (!task.isLost && task.abortReason?.code !== 'closed') return false
    this.#options.intake().finish(task, { kind: 'release' })
    return true
  }

  #invalid(task: Task, error: unknown): void {
    this.#options.recovery.deadLetter(task, error, 1, this.#options.connection.runtime.clock.now())
  }
}

function contextOf(
  entries: readonly Entry[],
  failures: Map<Task, unknown>,
  signal: AbortSignal,
): BatchContext<ReceivedMessage> {
  const taskOf = (message: ReceivedMessage): Task => {
    const entry = entries.find((each) => each.message === message)
    if (entry !== undefined) return entry.task
    throw new MessagingError('invalidArgument', 'the message is not of this batch')
  }
  return {
    signal,
    attempt: (message) => taskOf(message).attempt,
    fail: (message, error) => void failures.set(taskOf(message), error),
    deadLetter(message, reason) {
      try {
        deadLetter(reason)
      } catch (outcome) {
        failures.set(taskOf(message), outcome)
      }
    },
  }
}

function unknownType(channel: ChannelDefinition, type: string): MessagingError {
  return new MessagingError('decodeFailed', `channel "${channel.name}" has no type ${JSON.stringify(type)}`)
}

function tooLong(timeoutMs: number): MessagingError {
  return new MessagingError('timeout', `the batch handler ran longer than ${timeoutMs} ms`)
}
