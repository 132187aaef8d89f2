import type { ChannelDefinition } from './channel.ts'
import type { Connection } from './connection.ts'
import { DeliveryContext, type HeaderSender } from './delivery-context.ts'
import type { Timer } from './driver/clock.ts'
import { isExpired } from './expiry.ts'
import type { Handler } from './handler.ts'
import type { GuardedRun, IdempotentReceiver } from './idempotent-receiver.ts'
import type { Intake } from './intake.ts'
import { decode, ReceivedMessage, type Decoded } from './message-decoder.ts'
import { closedError } from './link.ts'
import { MessagingError } from './messaging-error.ts'
import type { Middleware } from './middleware.ts'
import type { OrphanRuns } from './orphan-runs.ts'
import type { Recovery } from './recovery.ts'
import { delayAfter, type RetryPolicy } from './retry-policy.ts'
import type { Task } from './task.ts'
import type { ProcessObservation, Telemetry } from './telemetry.ts'

/** A handler, or one per type. */
export type AnyHandler = Handler<any, any, any> | { readonly [type: string]: Handler<any, any, any> | 'ignore' }

export interface DeliveryRunOptions {
  readonly connection: Connection
  readonly channel: ChannelDefinition
  /** `undefined` in a broadcast. */
  readonly group: string | undefined
  readonly handler: AnyHandler
  readonly middleware: readonly Middleware[]
  readonly timeoutMs: number | undefined
  readonly policy: RetryPolicy
  readonly receiver: IdempotentReceiver | undefined
  readonly telemetry: Telemetry | undefined
  readonly sender: HeaderSender
  readonly recovery: Recovery
  readonly intake: () => Intake
  readonly orphans: OrphanRuns
  readonly nextId: () => string
  /** Answers a request; resolves when the reply is confirmed. `undefined`: no request channel. */
  readonly reply: ((context: DeliveryContext) => Promise<void>) | undefined
}

type Call = (context: DeliveryContext) => Promise<unknown>

/**
 * One run of one message: decode, trace, idempotency, middleware, timeout, handler; then its outcome.
 *
 * Synchronous up to the handler unless the schema, the codec or the store is not. Conformance: RTY, IDM, MSG-11, MSG-13,
 * SCH-04, ERR-05.
 */
export class DeliveryRun {
  readonly #options: DeliveryRunOptions
  readonly #handlers: ReadonlyMap<string, Call | undefined>
  readonly #single: Call | undefined
  readonly #otherwise: Call | 'ignore' | undefined

  constructor(options: DeliveryRunOptions) {
    this.#options = options
    const { handler } = options
    const compiled = new Map<string, Call | undefined>()
    if (typeof handler === 'function') this.#single = this.#compile(handler)
    else {
      for (const type of Object.keys(handler)) {
        const each = handler[type]!
        compiled.set(type, each === 'ignore' ? undefined : this.#compile(each))
      }
      this.#otherwise = compiled.has('*') ? (compiled.get('*') ?? 'ignore') : undefined
    }
    this.#handlers = compiled
  }

  /** Starts the run. Never throws; ends in `intake.finish` or `intake.hold`. */
  run(task: Task): void {
    const { orphans, intake } = this.#options
    if (!orphans.has(task.wire)) return this.#begin(task)
    orphans.join(task.wire, (ending) => {
      // Given back meanwhile: the consumer closed.
      if (task.state === 'settled') return
      if (ending === 'succeeded') intake().finish(task, accept)
      else this.#begin(task)
    })
  }

  #begin(task: Task): void {
    let decoded: Decoded | Promise<Decoded>
    try {
      const { connection, channel, group } = this.#options
      if (isExpired(task, { connection, channel: channel.name, group }))
        return this.#options.intake().finish(task, { kind: 'accept' })
      decoded = decode(this.#options.channel, task.wire)
    } catch (error) {
      return this.#invalid(task, error)
    }
    if (decoded instanceof Promise) {
      decoded.then(
        (settled) => this.#dispatch(task, settled),
        (error: unknown) => this.#invalid(task, error),
      )
    } else this.#dispatch(task, decoded)
  }

  #dispatch(task: Task, decoded: Decoded): void {
    const call = this.#pick(decoded)
    if (call === 'ignore') return this.#options.intake().finish(task, { kind: 'accept' })
    if (call === undefined) return this.#invalid(task, this.#unknownType(decoded.type))
    const { channel, group, sender, receiver, telemetry, nextId } = this.#options
    const message = new ReceivedMessage(task.delivery, task.messageId(nextId), decoded, channel.name)
    const context = new DeliveryContext(message, channel.name, group, task, sender)
    const observation = telemetry === undefined ? undefined : this.#observe(telemetry, task, message)
    if (receiver !== undefined) return this.#runGuarded(task, context, call, receiver, observation)
    let running: Promise<unknown>
    const timer = this.#startTimeout(task)
    try {
      running = observation === undefined ? call(context) : observation.run(() => call(context))
    } catch (error) {
      return this.#failed(task, error, timer, observation)
    }
    running.then(
      () => this.#succeeded(task, context, timer, observation),
      (error: unknown) => this.#failed(task, error, timer, observation),
    )
  }

  #runGuarded(
    task: Task,
    context: DeliveryContext,
    call: Call,
    receiver: IdempotentReceiver,
    observation: ProcessObservation | undefined,
  ): void {
    let timer: Timer | undefined
    let hasRun = false
    const stopTimer = () => timer?.cancel()
    const work = () => {
      // The claim took its time, and the consumer closed meanwhile: the message has been given back.
      if (task.state === 'settled') return Promise.reject(closedError('the consumer'))
      hasRun = true
      timer = this.#startTimeout(task)
      const running = observation === undefined ? call(context) : observation.run(() => call(context))
      // What the store takes afterwards is not the handler's time.
      if (timer !== undefined) running.then(stopTimer, stopTimer)
      return running
    }
    receiver.run(context.message, task.wire, work).then(
      (run: GuardedRun) => {
        if (run.kind === 'done') return this.#succeeded(task, context, timer, observation)
        timer?.cancel()
        observation?.end()
        const delayMs = run.delayMs ?? Math.max(50, delayAfter(this.#options.policy, 1))
        this.#options.recovery.postpone(task, delayMs)
      },
      (error: unknown) => {
        if (hasRun || !MessagingError.is(error)) return this.#failed(task, error, timer, observation)
        observation?.end(error)
        this.#invalid(task, error)
      },
    )
  }

  #succeeded(
    task: Task,
    context: DeliveryContext,
    timer: Timer | undefined,
    observation: ProcessObservation | undefined,
  ): void {
    timer?.cancel()
    const { reply, telemetry, orphans } = this.#options
    if (task.isLost) orphans.ended(task, 'succeeded')
    if (reply !== undefined && context.reply !== undefined) {
      reply(context).then(
        () => this.#accept(task, observation),
        (error: unknown) => this.#failed(task, error, undefined, observation),
      )
      return
    }
    if (telemetry === undefined) this.#options.intake().finish(task, accept)
    else this.#accept(task, observation)
  }

  #accept(task: Task, observation: ProcessObservation | undefined): void {
    observation?.end()
    this.#options.recovery.settled(task, 'accept')
    this.#options.intake().finish(task, accept)
  }

  #failed(task: Task, error: unknown, timer: Timer | undefined, observation: ProcessObservation | undefined): void {
    timer?.cancel()
    if (task.isLost) this.#options.orphans.ended(task, 'failed')
    observation?.end(error ?? new Error(`the handler threw ${String(error)}`))
    const timedOut = task.abortReason?.code === 'timeout' ? task.abortReason : undefined
    this.#options.recovery.failed(
      task,
      timedOut === undefined || MessagingError.is(error) ? error : becauseOf(timedOut, error),
    )
  }

  /** To the invalid message channel, which is the dead-letter channel: retrying cannot help. Conformance: MSG-11. */
  #invalid(task: Task, error: unknown): void {
    const { recovery, connection, intake } = this.#options
    if (task.isLost || intake().isStopping) return intake().finish(task, { kind: 'release' })
    const nowMs = connection.runtime.clock.now()
    recovery.deadLetter(task, error, 1, nowMs)
  }

  #pick(decoded: Decoded): Call | 'ignore' | undefined {
    if (this.#single !== undefined) return this.#single
    if (!decoded.known) return this.#otherwise
    const { type } = decoded
    return this.#handlers.has(type) ? (this.#handlers.get(type) ?? 'ignore') : this.#otherwise
  }

  /** The middleware chain around a handler, made once. */
  #compile(handler: Handler<any, any, any>): Call {
    const keepsReply = this.#options.channel.reply !== undefined
    let call: Call = keepsReply
      ? async (context) => {
          context.reply = await handler(context.message.data, context)
        }
      : (context) => promised(handler(context.message.data, context))
    const chain = this.#options.middleware.filter((each) => each.handle !== undefined)
    for (const middleware of chain.reverse()) {
      const next = call
      call = (context) => promised(middleware.handle!(context, () => next(context) as Promise<void>))
    }
    return call
  }

  #startTimeout(task: Task): Timer | undefined {
    const { timeoutMs, connection, channel } = this.#options
    if (timeoutMs === undefined) return undefined
    return connection.timers.after(timeoutMs, () =>
      task.abort('timeout', `the handler of "${channel.name}" ran longer than ${timeoutMs} ms`),
    )
  }

  #observe(telemetry: Telemetry, task: Task, message: ReceivedMessage): ProcessObservation {
    const { connection, channel, group } = this.#options
    return telemetry.processing({
      system: connection.driver.system,
      channel: channel.name,
      ...(group === undefined ? {} : { group }),
      id: message.id,
      attempt: task.attempt,
      bytes: task.wire.body?.byteLength ?? 0,
      headers: task.wire.headers,
    })
  }

  #unknownType(type: string): MessagingError {
    const { name, contracts } = this.#options.channel
    return new MessagingError(
      'decodeFailed',
      `channel "${name}" has no type ${JSON.stringify(type)} (it has ${[...contracts.keys()].join(', ')}); add it to messages, or handle '*'`,
      { channel: name },
    )
  }
}

const accept = { kind: 'accept' } as const

/** A handler in plain JavaScript may forget to be async. */
function promised(result: unknown): Promise<unknown> {
  return result instanceof Promise ? result : Promise.resolve(result)
}

function becauseOf(timedOut: MessagingError, cause: unknown): MessagingError {
  return new MessagingError(timedOut.code, timedOut.message, { cause })
}
