import type { ChannelTypes } from './channel-types.ts'
import type { Channel } from './channel.ts'
import type { BatchContext, BatchOptions, BroadcastOptions, ConsumeOptions, Consumer } from './consumer.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { PreparedMessage, Producer, Receipt, SendOptions } from './producer.ts'

/** What an application holds: one or several connections, by name, that come back by themselves. */
export interface Messaging extends AsyncDisposable {
  /**
   * Resolves once the channel is there.
   *
   * @throws MessagingError as `provision` does in the channel's mode, `invalidArgument` when no connection is configured
   * for the channel, `closed`.
   */
  producer<T extends ChannelTypes>(channel: Channel<T>): Promise<Producer<T>>
  /** Resolves when the broker has taken responsibility. Uses the channel's producer, made on first use. */
  send<T extends ChannelTypes>(channel: Channel<T>, data: T['send'], options?: SendOptions): Promise<Receipt>
  /** Rejects with `failures` (index and error of each) unless all were confirmed. */
  sendAll<T extends ChannelTypes>(
    channel: Channel<T>,
    data: readonly T['send'][],
    options?: Omit<SendOptions, 'id'>,
  ): Promise<readonly Receipt[]>
  /** Validates and encodes without sending. */
  prepare<T extends ChannelTypes>(channel: Channel<T>, data: T['send'], options?: SendOptions): Promise<PreparedMessage>
  /** Sends what `prepare` gave, as it is. Rejects as `sendAll` does. */
  sendPrepared(messages: readonly PreparedMessage[], options?: { signal?: AbortSignal }): Promise<void>
  /** Sends and waits for the reply. Rejects with `timeout`; a reply that comes later is dropped and counted. */
  request<T extends ChannelTypes & { reply: {} }>(
    channel: Channel<T>,
    data: T['send'],
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<T['reply']>
  /**
   * Resolves once what is sent from then on is certain to arrive. Loss of the connection ends nothing: the consumer goes
   * on with the next one, until it or this is closed.
   *
   * @throws MessagingError as `provision` does in the channel's mode, `unsupported` when the broker cannot do what the
   * options or the channel ask for, `invalidArgument` on what is no such option or no group of the channel, `aborted`,
   * `closed`.
   */
  consume<T extends ChannelTypes>(
    channel: Channel<T>,
    options: ConsumeOptions<T>,
    handler: T['handler'],
  ): Promise<Consumer>
  /** A throw reruns the entries one by one, and only those single runs count attempts. */
  consumeBatch<T extends ChannelTypes>(
    channel: Channel<T>,
    options: BatchOptions<T>,
    handler: (messages: readonly T['message'][], context: BatchContext<T['message']>) => Promise<void>,
  ): Promise<Consumer>
  /** A temporary group per instance, told of gaps. */
  consumeBroadcast<T extends ChannelTypes>(
    channel: Channel<T>,
    options: BroadcastOptions,
    handler: T['handler'],
  ): Promise<Consumer>
  /** What was dead-lettered of a group: to list, look at, redrive, replace and discard. Asks the broker nothing yet. */
  deadLetters<T extends ChannelTypes>(channel: Channel<T>, group: T['group']): DeadLetters<T>
  /**
   * Makes all that the channels need on the broker, or with `verify` only looks whether it is there. Idempotent; any number
   * of processes may do it at once. A failure that may pass is told as an event and tried again, for 30 s.
   *
   * @throws MessagingError `failedPrecondition` when something is there otherwise than needed, which is left as it is;
   * `notFound` when it is missing and may not be made; `permissionDenied`; `unavailable` or `timeout` when it did not pass;
   * `closed`.
   */
  provision(channels: readonly Channel[], mode: 'create' | 'verify'): Promise<void>
  /** `degraded`: some connections are up. Asks nobody; no I/O. */
  health(): {
    readonly status: 'up' | 'degraded' | 'down'
    readonly connections: { readonly [name: string]: 'up' | 'down' }
  }
  /** Drains consumers and sends for at most `drainMs` (default 30 s), then disconnects. Idempotent. */
  close(options?: { drainMs?: number }): Promise<void>
}
