import { BatchRun, type BatchHandler } from './batch-run.ts'
import { ChannelConsumer, checkConcurrency, type ChannelConsumerOptions } from './channel-consumer.ts'
import type { BatchOptions, BroadcastOptions, ConsumeOptions } from './consumer.ts'
import { coreHeader } from './core-headers.ts'
import type { DeliveryContext, HeaderSender } from './delivery-context.ts'
import { DeliveryRun, type AnyHandler } from './delivery-run.ts'
import { checkByteBound, checkGroup, checkRetention, checkStart, checkTemporary } from './demands.ts'
import { IdempotentReceiver } from './idempotent-receiver.ts'
import type { Intake } from './intake.ts'
import { checkKnown } from './known-options.ts'
import type { MessagingParts, Site } from './messaging-parts.ts'
import { MessagingError } from './messaging-error.ts'
import type { OrphanRuns } from './orphan-runs.ts'
import type { Recovery } from './recovery.ts'
import { replyChannel, replyNeed, replyRoute } from './requester.ts'
import { checkRetryPolicy, defaultRetryPolicy, type RetryPolicy } from './retry-policy.ts'
import type { Task } from './task.ts'

const shared = ['concurrency', 'maxInFlightBytes', 'startFrom', 'middleware', 'signal']
const grouped = ['group', 'retry', 'retryIf', 'timeoutMs']
const defaultConcurrency = 16
const defaultBatchConcurrency = 2
/** What a key that is blocked leaves to the others. */
const keyedWindow = 64

/** Makes consumers of each kind: what differs between them is what they run, and what they do at the end of their attempts. */
export class ConsumerFactory {
  readonly #parts: MessagingParts
  readonly #sender: HeaderSender
  readonly #onClosed: (consumer: ChannelConsumer) => void

  constructor(parts: MessagingParts, sender: HeaderSender, onClosed: (consumer: ChannelConsumer) => void) {
    this.#parts = parts
    this.#sender = sender
    this.#onClosed = onClosed
  }

  single(site: Site, options: ConsumeOptions<any>, handler: AnyHandler): ChannelConsumer {
    const { channel } = site
    checkKnown(`consume "${channel.name}"`, options, [...shared, ...grouped, 'idempotency'])
    checkHandler(site, handler)
    const { idempotency, timeoutMs, middleware = [] } = options
    if (idempotency !== undefined) {
      checkKnown(`idempotency of "${channel.name}"`, idempotency, ['store', 'key'])
      checkRetention(site.connection.driver, channel, idempotency.store)
    }
    const group = checkedGroup(site, options)
    const policy = policyOf(options.retry)
    const receiver = idempotency && this.#receiver(site, group, idempotency)
    const concurrency = options.concurrency ?? defaultConcurrency
    return new ChannelConsumer({
      ...this.#common(site, options, { concurrency, policy, retryIf: options.retryIf }),
      group,
      temporary: false,
      onExhausted: undefined,
      onGap: () => {},
      run: this.#runner(site, { handler, group, policy, receiver, timeoutMs: checkedTimeout(timeoutMs), middleware }),
    })
  }

  batch(site: Site, options: BatchOptions<any>, handler: BatchHandler): ChannelConsumer {
    const { channel, connection } = site
    checkKnown(`consumeBatch "${channel.name}"`, options, [...shared, ...grouped, 'maxSize', 'maxWaitMs'])
    if (typeof handler !== 'function') throw invalid(`consumeBatch "${channel.name}": the handler must be a function`)
    if (options.middleware !== undefined) {
      throw new MessagingError(
        'unsupported',
        `consumeBatch "${channel.name}": middleware is for single messages; remove it`,
      )
    }
    const { maxSize, maxWaitMs, concurrency = defaultBatchConcurrency, timeoutMs } = options
    checkWhole('maxSize', maxSize, 1)
    checkWhole('maxWaitMs', maxWaitMs, 0)
    checkConcurrency(concurrency)
    const group = checkedGroup(site, options)
    const { nextId, telemetry } = this.#parts
    const policy = policyOf(options.retry)
    return new ChannelConsumer({
      ...this.#common(site, options, { concurrency: maxSize * concurrency, policy, retryIf: options.retryIf }),
      scale: maxSize,
      group,
      temporary: false,
      onExhausted: undefined,
      onGap: () => {},
      run: (recovery, intake) => {
        const run = new BatchRun({
          connection,
          channel,
          handler,
          maxSize,
          maxWaitMs,
          timeoutMs: checkedTimeout(timeoutMs),
          recovery,
          intake,
          nextId,
          group,
          telemetry,
        })
        return run
      },
    })
  }

  broadcast(site: Site, options: BroadcastOptions, handler: AnyHandler): ChannelConsumer {
    const { channel, connection } = site
    checkKnown(`consumeBroadcast "${channel.name}"`, options, [...shared, 'onGap'])
    checkHandler(site, handler)
    if (typeof options.onGap !== 'function') throw invalid(`consumeBroadcast "${channel.name}": onGap is required`)
    checkTemporary(connection.driver, channel, 'broadcast')
    const { onGap, concurrency = 1, middleware = [] } = options
    const policy = defaultRetryPolicy
    return new ChannelConsumer({
      ...this.#common(site, options, { concurrency, policy, retryIf: undefined }),
      group: `broadcast-${this.#parts.nextId()}`,
      temporary: true,
      window: (running) => Math.max(keyedWindow, running),
      onExhausted: (_task, error) => {
        connection.fault(
          new MessagingError('internal', `a broadcast on "${channel.name}" was not handled`, { cause: error }),
        )
        onGap()
      },
      onGap,
      run: this.#runner(site, {
        handler,
        group: undefined,
        policy,
        receiver: undefined,
        timeoutMs: undefined,
        middleware,
      }),
    })
  }

  #common(
    site: Site,
    { startFrom, maxInFlightBytes }: Pick<BroadcastOptions, 'startFrom' | 'maxInFlightBytes'>,
    own: {
      concurrency: number
      policy: RetryPolicy
      retryIf: ((error: unknown) => boolean) | undefined
    },
  ) {
    const { channel, connection } = site
    checkConcurrency(own.concurrency)
    checkStart(connection.driver, channel, startFrom)
    checkByteBound(connection.driver, channel, maxInFlightBytes)
    const { nextId, redactor, telemetry } = this.#parts
    return {
      ...site,
      ...own,
      startFrom,
      maxInFlightBytes,
      nextId,
      telemetry,
      redact: (text: string) => redactor.redact(text),
      window: (running: number) => (channel.keyed ? Math.max(keyedWindow, running * 2) : running),
      onClosed: this.#onClosed,
    } satisfies Partial<ChannelConsumerOptions>
  }

  #runner(
    site: Site,
    own: {
      handler: AnyHandler
      group: string | undefined
      policy: RetryPolicy
      receiver: IdempotentReceiver | undefined
      timeoutMs: number | undefined
      middleware: MessagingParts['middleware']
    },
  ) {
    const { telemetry, nextId, middleware } = this.#parts
    const reply =
      site.channel.reply === undefined ? undefined : (context: DeliveryContext) => this.#reply(site, context)
    return (recovery: Recovery, intake: () => Intake, orphans: OrphanRuns) => {
      const run = new DeliveryRun({
        ...site,
        ...own,
        middleware: [...middleware, ...own.middleware],
        telemetry,
        nextId,
        sender: this.#sender,
        recovery,
        intake,
        orphans,
        reply,
      })
      return { start: (task: Task) => run.run(task), ...collectsNothing }
    }
  }

  #receiver(
    site: Site,
    group: string,
    idempotency: NonNullable<ConsumeOptions<any>['idempotency']>,
  ): IdempotentReceiver {
    const { channel, connection } = site
    return new IdempotentReceiver({
      store: idempotency.store,
      key: idempotency.key,
      scope: `${channel.name}/${group}`,
      timers: connection.timers,
      onFault: (error) => connection.fault(error, { channel: channel.name, group }),
    })
  }

  /** Answers a request, if anybody still waits: a requester that is gone is told of, not retried for. */
  async #reply({ channel, connection, route }: Site, context: DeliveryContext): Promise<void> {
    const replyTo = context.message.wire.headers[coreHeader.replyTo]
    if (replyTo === undefined) return
    const answers = { ...channel, contracts: new Map([[channel.type, channel.reply!]]), key: undefined }
    const options = { correlationId: context.message.id }
    const limits = connection.driver.capabilities
    const wire = await this.#parts.encoder.encode(answers, context.reply, options, limits)
    try {
      await connection.provision(replyNeed, replyRoute(route), 'known')
      await connection.sendOwn({ channel: replyChannel, group: replyTo }, wire)
    } catch (error) {
      if (!MessagingError.is(error) || (error.code !== 'unroutable' && error.code !== 'notFound')) throw error
      connection.fault(
        new MessagingError('unroutable', `nobody waits any more for a reply on "${channel.name}"`, { cause: error }),
      )
    }
  }
}

function nothing(): void {}

/** Each message runs at once. */
const collectsNothing = { flush: nothing, giveBack: nothing, proceed: nothing, onKeyWaits: nothing }

function policyOf(policy: RetryPolicy | undefined): RetryPolicy {
  if (policy === undefined) return defaultRetryPolicy
  checkRetryPolicy(policy)
  return policy
}

function checkedGroup({ channel, connection }: Site, { group }: { group?: unknown }): string {
  checkGroup(connection.driver, channel, group as string)
  return group as string
}

function checkHandler({ channel }: Site, handler: unknown): void {
  if (!channel.several) {
    if (typeof handler === 'function') return
    throw invalid(`consume "${channel.name}": the handler must be a function`)
  }
  if (typeof handler !== 'object' || handler === null) {
    throw invalid(
      `consume "${channel.name}": expected one handler per type: ${[...channel.contracts.keys()].join(', ')}`,
    )
  }
  const handlers = handler as Record<string, unknown>
  for (const type of channel.contracts.keys()) {
    if (!Object.hasOwn(handlers, type))
      throw invalid(`consume "${channel.name}": no handler for "${type}"; write 'ignore' if so meant`)
  }
  for (const type of Object.keys(handlers)) {
    const isKnown = type === '*' || channel.contracts.has(type)
    if (!isKnown) throw invalid(`consume "${channel.name}": it has no type "${type}"`)
    if (typeof handlers[type] === 'function' || handlers[type] === 'ignore') continue
    throw invalid(`consume "${channel.name}": the handler of "${type}" must be a function or 'ignore'`)
  }
}

function checkedTimeout(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs !== undefined) checkWhole('timeoutMs', timeoutMs, 1)
  return timeoutMs
}

function checkWhole(name: string, value: unknown, least: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return
  throw invalid(`${name} must be a whole number of at least ${least}, not ${String(value)}`)
}

function invalid(message: string): MessagingError {
  return new MessagingError('invalidArgument', message)
}
