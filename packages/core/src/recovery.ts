import type { Connection } from './connection.ts'
import { coreHeader, numberIn, withHeaders, withoutCounters } from './core-headers.ts'
import { backoffMs } from './driver/backoff.ts'
import type { Address, Lane } from './driver/driver.ts'
import type { WireMessage } from './driver/wire-message.ts'
import { envelopeBytes } from './envelope-size.ts'
import { encodeFailure, overEarlier, withoutFailure } from './failure-record.ts'
import { decideFailure } from './failure-decision.ts'
import { fittingLetter } from './fitting-letter.ts'
import type { Intake } from './intake.ts'
import type { MessagingError } from './messaging-error.ts'
import type { RetryPolicy } from './retry-policy.ts'
import { nextHopMs, type RetryStrategy } from './retry-strategy.ts'
import type { Task } from './task.ts'
import type { Telemetry } from './telemetry.ts'
import { asError, textOf, wrapError } from './wrap-error.ts'

export interface RecoveryOptions {
  readonly connection: Connection
  readonly channel: string
  readonly group: string
  readonly policy: RetryPolicy
  readonly retryIf: ((error: unknown) => boolean) | undefined
  readonly strategy: RetryStrategy
  /** `undefined`: nowhere to put it (broadcast); `onLost` is told instead. */
  readonly onExhausted: ((task: Task, error: unknown) => void) | undefined
  readonly intake: () => Intake
  /** An id for a copy of a foreign message that has none. */
  readonly nextId: () => string
  readonly redact: (text: string) => string
  readonly telemetry: Telemetry | undefined
}

/** What a failure record may take of the headers: enough for a stack, not enough to be a burden. */
const failureBudgetBytes = 16 * 1024

/**
 * After a failed run: retry or dead letter, on whatever way this broker has, and never by losing the message.
 *
 * Copies and dead letters are confirmed before the original is settled. Conformance: RTY-01 to RTY-13, SET-02 to SET-06.
 */
export class Recovery {
  readonly #options: RecoveryOptions

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  /** The run failed: by its error, the policy decides. */
  failed(task: Task, error: unknown): void {
    const { connection, policy, retryIf, strategy } = this.#options
    const intake = this.#options.intake()
    const nowMs = connection.runtime.clock.now()
    task.firstFailureAtMs ??= firstFailureOf(task, nowMs)
    if (task.isLost || task.abortReason?.code === 'closed') return intake.finish(task, { kind: 'release' })
    const maxDelayMs = longestDelay(strategy, connection)
    const decision = decideFailure({ error, attempt: task.attempt, policy, retryIf, maxDelayMs })
    if (decision.fault !== undefined) this.#fault(task, decision.fault)
    // A consumer that closes gives its messages back: whether this one is hopeless is for the next to find out.
    if (intake.isStopping && decision.kind === 'deadLetter') return intake.finish(task, { kind: 'release' })
    if (decision.kind === 'deadLetter') return this.deadLetter(task, error, task.attempt, nowMs)
    this.settled(task, 'retry')
    this.#options.connection.emit({ type: 'retried', ...this.#about(task), error: asError(error) })
    this.#retryInTime(task, decision.delayMs)
  }

  /** Without a delay a message that always fails would go round as fast as the processor allows. Conformance: SET-14. */
  #retryInTime(task: Task, delayMs: number): void {
    const { connection } = this.#options
    if (delayMs > 0 || task.attempt < retriesAtOnce) return this.#retry(task, delayMs, task.attempt)
    connection.timers.after(breathMs, () => {
      if (task.isLost) this.#options.intake().finish(task, { kind: 'release' })
      else this.#retry(task, delayMs, task.attempt)
    })
  }

  /** Run again later, without counting an attempt: nothing ran, or a duplicate is at it. */
  postpone(task: Task, delayMs: number): void {
    const intake = this.#options.intake()
    if (task.isLost) return intake.finish(task, { kind: 'release' })
    const { strategy } = this.#options
    const isHeld = strategy.kind === 'inPlace' ? canHoldMore(intake) : !canDelay(strategy)
    if (isHeld) intake.hold(task, delayMs)
    else this.#retry(task, delayMs, task.attempt - 1)
  }

  /** Gives it up, with a record of why. */
  deadLetter(task: Task, error: unknown, attempts: number, nowMs: number): void {
    const { connection, channel, group, onExhausted } = this.#options
    this.settled(task, 'deadLetter')
    if (onExhausted !== undefined) {
      onExhausted(task, error)
      return this.#options.intake().finish(task, { kind: 'accept' })
    }
    const letter = { ...task.wire, headers: withoutFailure(withoutCounters(task.wire.headers)) }
    const record = encodeFailure(
      {
        error,
        attempts,
        firstFailureAtMs: task.firstFailureAtMs ?? nowMs,
        lastFailureAtMs: nowMs,
        channel,
        group,
        position: task.delivery.position,
      },
      this.#budget(letter),
      this.#options.redact,
    )
    const told = () => connection.emit({ type: 'deadLettered', ...this.#about(task), error: asError(error) })
    if (connection.driver.capabilities.deadLetter === 'native') {
      told()
      return this.#options
        .intake()
        .finish(task, { kind: 'deadLetter', reason: textOf(error), headers: overEarlier(task.wire.headers, record) })
    }
    const headers = withHeaders(letter.headers, record)
    void this.#handOver(task, this.#address('dead'), { ...letter, headers }, undefined, told)
  }

  /** Tells telemetry what became of a message, whatever the broker calls it. */
  settled(task: Task, outcome: 'accept' | 'retry' | 'deadLetter'): void {
    const { telemetry, connection, channel, group } = this.#options
    if (telemetry === undefined) return
    const { id = '', headers } = task.wire
    telemetry.settled({ system: connection.driver.system, channel, group, id, outcome, headers })
  }

  /** A message that came too early goes back to wait; false when the wait is short enough to hold it here. */
  delay(task: Task, remainingMs: number): boolean {
    const { strategy } = this.#options
    if (strategy.kind !== 'copy' || task.delivery.message.headers[coreHeader.due] === undefined) return false
    const hopMs = nextHopMs(strategy, remainingMs)
    if (hopMs > remainingMs || remainingMs <= shortestHopMs) return false
    const headers = withHeaders(task.wire.headers, { [coreHeader.wait]: String(Math.ceil(remainingMs - hopMs) || 1) })
    void this.#handOver(task, this.#address(), nextCopy({ ...task.wire, headers }), hopMs)
    return true
  }

  #retry(task: Task, delayMs: number, attempts: number): void {
    const { strategy, connection } = this.#options
    const intake = this.#options.intake()
    if (strategy.kind === 'hold') {
      task.heldRuns += attempts - (task.attempt - 1)
      return intake.hold(task, delayMs)
    }
    if (strategy.kind === 'inPlace') return intake.finish(task, { kind: 'retry', delayMs })
    const hopMs = delayMs === 0 ? undefined : nextHopMs(strategyDelays(strategy), delayMs)
    // What the broker does not wait, whoever receives it does.
    const waitMs = strategy.kind === 'lane' ? delayMs : delayMs - (hopMs ?? 0)
    const dueAtMs = waitMs > 0 ? connection.runtime.clock.now() + delayMs : undefined
    const headers = withHeaders(task.wire.headers, {
      [coreHeader.attempt]: String(attempts),
      [coreHeader.due]: dueAtMs === undefined ? undefined : String(Math.ceil(dueAtMs)),
      [coreHeader.wait]: dueAtMs === undefined ? undefined : String(Math.ceil(waitMs)),
      [coreHeader.firstFailure]: task.firstFailureAtMs === undefined ? undefined : isoTime(task.firstFailureAtMs),
    })
    const copy = { ...task.wire, headers }
    if (strategy.kind === 'lane' && hopMs !== undefined) {
      void this.#handOver(task, this.#address(`delay.${hopMs}`), nextCopy(copy), undefined)
    } else {
      void this.#handOver(task, this.#address(), nextCopy(copy), hopMs)
    }
  }

  /**
   * Sends a copy and accepts the original once that is confirmed. While it cannot be sent the original stays unsettled,
   * and is tried again, ever more slowly, until its lease is lost or the consumer closes. Conformance: RTY-08.
   */
  async #handOver(
    task: Task,
    to: Address,
    copy: WireMessage,
    delayMs: number | undefined,
    told?: () => void,
  ): Promise<void> {
    const { connection, nextId } = this.#options
    const intake = this.#options.intake()
    const message = copy.id === undefined ? { ...copy, id: task.givenId(nextId) } : copy
    for (let attempt = 1; ; attempt++) {
      try {
        await connection.sendOwn(to, message, delayMs)
        told?.()
        return intake.finish(task, { kind: 'accept' })
      } catch (error) {
        const wrapped = wrapError(connection.driver, error, 'cannot hand over a failed message; it stays unsettled')
        if (refusals.has(wrapped.code) && this.#cutDown(task, { to, copy, told }, wrapped)) return
        this.#fault(task, wrapped)
        const waitMs = backoffMs(attempt + 2, connection.runtime.random, { maxMs: 30_000 })
        await new Promise<void>((resolve) => connection.timers.after(waitMs, resolve))
        if (task.isLost || intake.isStopping) return intake.finish(task, { kind: 'release' })
      }
    }
  }

  /**
   * The broker will never take this copy: a foreign message has more headers than may be sent. It is dead-lettered with
   * those that fit, rather than held for ever. False: nothing is left to cut. Conformance: MSG-16.
   */
  #cutDown(task: Task, { to, copy, told }: HandOver, error: MessagingError): boolean {
    if (to.lane !== 'dead') {
      this.deadLetter(task, error, task.attempt, this.#options.connection.runtime.clock.now())
      return true
    }
    const fitting = fittingLetter(copy, this.#options.connection.driver.capabilities)
    if (fitting === undefined) return false
    void this.#handOver(task, to, fitting, undefined, told)
    return true
  }

  #address(lane?: Lane): Address {
    const { channel, group } = this.#options
    return lane === undefined ? { channel, group } : { channel, group, lane }
  }

  /** What the rest of the envelope leaves, up to the budget. */
  #budget(letter: WireMessage): number {
    const { maxHeaderBytes } = this.#options.connection.driver.capabilities
    return Math.max(1_024, Math.min(failureBudgetBytes, maxHeaderBytes - envelopeBytes(letter)))
  }

  #about(task: Task): { channel: string; group: string; messageId?: string } {
    const { channel, group } = this.#options
    const { id } = task.wire
    return id === undefined ? { channel, group } : { channel, group, messageId: id }
  }

  #fault(task: Task, error: MessagingError): void {
    this.#options.connection.fault(error, this.#about(task))
  }
}

interface HandOver {
  readonly to: Address
  readonly copy: WireMessage
  readonly told: (() => void) | undefined
}

/** What trying again does not help. */
const refusals: ReadonlySet<string> = new Set(['tooLarge', 'invalidArgument'])

/** Retries without a delay that are carried out at once; each further one waits a little first. */
const retriesAtOnce = 10
const breathMs = 10

/** Waits shorter than this are held rather than sent round again. */
const shortestHopMs = 50

/**
 * A broker that retries in place counts each look at a message as a delivery, and so as an attempt. Half of the places
 * may be taken by messages that wait here instead; the other half goes on with the rest. Conformance: IDM-04.
 */
function canHoldMore(intake: Intake): boolean {
  const held = intake.openNow().filter(({ state }) => state === 'held').length
  return held < Math.floor(intake.concurrency / 2)
}

/** Who is never to retry has no lane or tier in which a message could wait for anything else. Conformance: IDM-04. */
function canDelay(strategy: RetryStrategy): boolean {
  const { tiersMs } = strategyDelays(strategy)
  return tiersMs === undefined || tiersMs.some((tierMs) => tierMs > 0)
}

function strategyDelays(strategy: RetryStrategy): { maxMs?: number; tiersMs: readonly number[] | undefined } {
  return strategy.kind === 'copy' || strategy.kind === 'lane' ? strategy : { tiersMs: undefined }
}

function longestDelay(strategy: RetryStrategy, connection: Connection): number {
  if (strategy.kind === 'hold') return connection.driver.capabilities.holdMs
  return strategy.kind === 'lane' ? Infinity : strategy.maxMs
}

function firstFailureOf(task: Task, nowMs: number): number {
  const text = task.wire.headers[coreHeader.firstFailure]
  const at = text === undefined ? NaN : Date.parse(text)
  return Number.isNaN(at) ? nowMs : at
}

/** The same message once more: told apart from its original, which may still be about. */
function nextCopy(wire: WireMessage): WireMessage {
  const copies = numberIn(wire.headers, coreHeader.copy)
  return { ...wire, headers: withHeaders(wire.headers, { [coreHeader.copy]: String(copies + 1) }) }
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString()
}
