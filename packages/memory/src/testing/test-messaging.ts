import type { Channel, ChannelTypes, DeadLetter, Driver, Message, Messaging, Middleware } from '@waybill/core'
import {
  connectWith,
  headersOf,
  ManualClock,
  MessagingError,
  noHeaders,
  systemRandom,
  type WireMessage,
} from '@waybill/core/driver'
import { createMemoryBroker } from '../memory-broker.ts'
import { memory } from '../memory-driver.ts'
import { Activity } from './activity.ts'
import { SentMessages } from './sent-messages.ts'

export interface TestMessagingOptions {
  /** What the clock says at first. Default: the beginning of 2025, UTC. */
  readonly now?: Date
  /** Refuse what that driver would refuse. It is never connected. */
  readonly like?: Driver
  readonly middleware?: readonly Middleware[]
}

/** A message as some other program might send it. */
export interface RawMessage {
  readonly body: string | Uint8Array
  readonly headers?: Record<string, string>
  readonly key?: string
}

/** Messaging over a broker of its own, with a clock that only the test moves. */
export interface TestMessaging extends Messaging {
  /** What was sent to the channel and confirmed, in that order, decoded as a receiver would. */
  sent<T extends ChannelTypes>(channel: Channel<T>): Promise<readonly T['message'][]>
  /** The dead letters of a group, oldest first. */
  deadLettered<T extends ChannelTypes>(
    channel: Channel<T>,
    group: T['group'],
  ): Promise<readonly DeadLetter<T['message']>[]>
  /** Puts a message on the channel past all checks: what a foreign producer may send. Not among those `sent`. */
  inject(channel: Channel, raw: RawMessage): Promise<void>
  /** Resolves when nothing is in flight and nothing ready. Messages that wait for their time may be there. */
  idle(): Promise<void>
  /** Moves the clock, stopping at each time at which something falls due, until the work is done; then as `idle`. */
  advance(ms: number): Promise<void>
}

const knownOptions = ['now', 'like', 'middleware']

/**
 * Messaging for tests: no broker, no waiting. Time passes by `advance` only, for delays, retries, timeouts and leases.
 *
 * A handler that waits for something real is waited for; one that waits for the clock is not, so advance past it.
 *
 * @throws MessagingError `invalidArgument` on an unknown option.
 */
export async function testMessaging(options: TestMessagingOptions = {}): Promise<TestMessaging> {
  for (const option of Object.keys(options)) {
    if (knownOptions.includes(option)) continue
    const known = knownOptions.join(', ')
    throw new MessagingError('invalidArgument', `testMessaging: unknown option "${option}"; there are ${known}`)
  }
  const { now, like, middleware = [] } = options
  const broker = createMemoryBroker()
  const clock = new ManualClock(now?.getTime())
  const runtime = { clock, random: systemRandom }
  const activity = new Activity(broker, clock)
  const sent = new SentMessages()
  const driver = sent.watch(memory(like === undefined ? { broker } : { broker, like }))
  const messaging = await connectWith(runtime, driver, { middleware: [activity.middleware, ...middleware] })
  return {
    ...tracked(messaging, activity),
    sent: (channel) => sent.of(channel, runtime) as Promise<Message<never>[]>,
    async deadLettered(channel, group) {
      const letters = []
      for await (const letter of messaging.deadLetters(channel, group).list()) letters.push(letter)
      return letters
    },
    async inject(channel, raw) {
      await messaging.provision([channel], 'create')
      broker.publish({ channel: channel.name }, wireOf(raw))
    },
    idle: () => activity.idle(),
    advance: (ms) => activity.advance(ms),
  }
}

/** The same messaging, whose calls count as something going on, save those that may wait for the clock. */
function tracked(messaging: Messaging, activity: Activity): Messaging {
  return {
    producer: (channel) => activity.track(messaging.producer(channel)),
    send: (channel, data, options) => activity.track(messaging.send(channel, data, options)),
    sendAll: (channel, data, options) => activity.track(messaging.sendAll(channel, data, options)),
    prepare: (channel, data, options) => activity.track(messaging.prepare(channel, data, options)),
    sendPrepared: (messages, options) => activity.track(messaging.sendPrepared(messages, options)),
    request: (channel, data, options) => messaging.request(channel, data, options),
    consume: (channel, options, handler) => activity.track(messaging.consume(channel, options, handler)),
    consumeBatch: (channel, options, handler) => activity.track(messaging.consumeBatch(channel, options, handler)),
    consumeBroadcast: (channel, options, handler) =>
      activity.track(messaging.consumeBroadcast(channel, options, handler)),
    deadLetters: (channel, group) => messaging.deadLetters(channel, group),
    provision: (channels, mode) => activity.track(messaging.provision(channels, mode)),
    health: () => messaging.health(),
    close: (options) => messaging.close(options),
    [Symbol.asyncDispose]: () => messaging[Symbol.asyncDispose](),
  }
}

function wireOf({ body, headers = {}, key }: RawMessage): WireMessage {
  return {
    id: undefined,
    source: undefined,
    type: undefined,
    time: undefined,
    contentType: undefined,
    extensions: noHeaders,
    key,
    headers: headersOf(headers),
    body: typeof body === 'string' ? Buffer.from(body) : Uint8Array.from(body),
  }
}
