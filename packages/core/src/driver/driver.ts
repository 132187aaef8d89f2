import type { ErrorCode } from '../messaging-error.ts'
import type { Capabilities } from './capabilities.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Random } from './random.ts'
import type { Headers, WireMessage } from './wire-message.ts'

/**
 * What an adapter implements. A driver translates between the core and one broker; it decides nothing.
 *
 * Policy (retry, dead letters, idempotency, order per key, deadlines, reconnecting, draining, validation, telemetry)
 * is the core's. A driver does not retry, does not wrap errors, keeps no clock of its own, and never reconnects: a
 * connection lives for one epoch, fails fast and reports `lost`.
 */
export interface Driver {
  /** The version of this interface. */
  readonly specVersion: 1
  /** The OpenTelemetry `messaging.system.name`: `rabbitmq`, `kafka`, `aws.sqs`, … */
  readonly system: string
  /** The credentials it was given, for the core to take out of whatever is shown to anybody. */
  secrets?(): readonly string[]
  /** What this broker can do under the options given, fixed from construction on. Tested both ways. */
  readonly capabilities: Capabilities
  /** Maps whatever the client library threw to a code. Here and not on the connection, because connecting can fail. */
  classify(error: unknown): ErrorCode
  /**
   * Opens one connection for one role. The core opens one per role, because a broker that blocks publishers must not
   * stop acknowledgements. Rejects with what the client library threw, and promptly once `context.signal` aborts.
   */
  connect(context: DriverContext): Promise<DriverConnection>
}

export interface DriverContext {
  readonly role: 'send' | 'receive'
  /** A stable name of this process' share: an MQTT session slot, Kafka static membership. */
  readonly instance: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Aborts when the epoch is given up, also while connecting. */
  readonly signal: AbortSignal
  /** Tells the core what no call can return, in the order in which it came about. Ignored after `lost`. */
  report(event: DriverEvent): void
}

export type DriverEvent =
  /** The epoch is over: the core connects again, provisions, listens and resends. Said at most once. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** The broker asks senders to wait, or no longer does. */
  | { readonly kind: 'blocked' | 'unblocked' }
  /** A settlement did not reach the broker: expect a redelivery. */
  | { readonly kind: 'settleFailed'; readonly position?: string; readonly error: unknown }

/** One link to the broker, for one role and one epoch. All methods may be called concurrently. */
export interface DriverConnection {
  /**
   * Makes channels, groups and delay lanes exist (`create`), checks that they do (`verify`), or only learns what the
   * driver needs to know of them (`known`). Called in every epoch of either role before anything else names them.
   *
   * `create` is idempotent and safe when many processes do it at once. An entity that exists with other arguments is
   * left untouched and rejects with what classifies as `failedPrecondition`; a missing one under `verify` as `notFound`.
   */
  provision(topology: Topology, mode: 'create' | 'verify' | 'known'): Promise<TopologyReport>
  /**
   * Hands a batch to the broker and takes its order before returning. Calls `done` exactly once per entry, without a
   * failure only when the broker has taken responsibility. May call `done` before it returns. Never throws.
   *
   * At most `capabilities.send.maxBatch` entries and `maxBatchBytes` bytes; at most `maxBatchesInFlight` unfinished
   * batches per address. The driver keeps neither `batch` nor its array once all entries are done.
   */
  send(to: Address, batch: readonly Outgoing[], done: SendDone): void
  /**
   * Starts deliveries from one group, lane or temporary group. Resolves once every message sent later is certain to
   * arrive. `onDelivery` never rejects; it resolves once per delivery, in any order, with what to do.
   *
   * At most `request.maxInFlight` deliveries are unresolved at a time.
   */
  listen(request: ListenRequest, onDelivery: OnDelivery): Promise<Listener>
  /**
   * Numbers for depth, lag and health. Only those named in `capabilities.inspect` are present. With the `horizon` of an
   * earlier inspection, only what was there then is counted.
   */
  inspect(address: Address, signal: AbortSignal, horizon?: unknown): Promise<Inspection>
  /** Flushes what was handed over, then disconnects. Idempotent; resolves also when the connection is already lost. */
  close(): Promise<void>
}

export type SendDone = (index: number, failure?: SendFailure) => void
export type OnDelivery = (delivery: Delivery) => Promise<Settlement>

export type Lane = 'main' | 'dead' | `delay.${number}`
/** A channel (every group gets a copy), or one group of it, or one of that group's lanes; never the shared channel then. */
export type Address =
  | { readonly channel: string; readonly group?: undefined; readonly lane?: undefined }
  | { readonly channel: string; readonly group: string; readonly lane?: Lane }

export interface Outgoing {
  readonly message: WireMessage
  /** Deliver not before this many milliseconds from now. Only within `capabilities.delayedSend`. */
  readonly delayMs?: number
}

export interface SendFailure {
  readonly error: unknown
  /** `unknown`: the broker may or may not have it. The core resends either kind until the message's deadline. */
  readonly outcome: 'notSent' | 'unknown'
}

export interface ListenRequest {
  readonly source: { readonly channel: string; readonly group: string; readonly lane?: Lane }
  /** `key`: broker order, and one owner per key over all members. */
  readonly order: 'none' | 'key'
  readonly maxInFlight: number
  /**
   * No further delivery while the bodies of those unresolved have so many bytes: they go over it by the last one, so
   * that one larger than the bound gets through alone. Only where `capabilities.byteBound`. Conformance: FLW-04.
   */
  readonly maxInFlightBytes?: number
  /** A group of this listener's own, made here and gone with it: broadcast, replies. It is in no topology. */
  readonly temporary?: boolean
  /**
   * Where a temporary group starts, or one that nobody ever listened to: later it goes on where it was. Reaches back, never
   * past what waits for the group already. Only what `capabilities.replay` names. Conformance: TOP-13.
   */
  readonly from?: ListenStart
  /**
   * `browse`: look without consuming. Every message there is delivered once, held unsettled until `drain`, and
   * `Listener.ended` resolves with `undefined` at the end of what was there when it began. A delivery that resolves
   * with `accept` is removed; with `release` it stays. `maxInFlight` does not apply.
   */
  readonly intent?: 'consume' | 'browse'
}

/**
 * `timeMs`: the first message stored at that time of the wall clock or later. `positions`: those messages, as
 * `Delivery.position` names them, one of each shard; shards that none names start as without.
 */
export type ListenStart =
  | 'new'
  | 'oldest'
  | { readonly timeMs: number; readonly positions?: undefined }
  | { readonly positions: readonly string[]; readonly timeMs?: undefined }

export interface Delivery {
  /**
   * Mapped without throwing: what could not be read is in `message.problem`. Where `capabilities.retryInPlace`, a
   * message that came without an id has the broker's own, the same in each delivery. Conformance: MSG-07.
   */
  readonly message: WireMessage
  /** How often the broker says it delivered this message, the present time included. Not the attempt. */
  readonly deliveries?: number | undefined
  /** Where the broker keeps it, for failure records: a partition and offset, a delivery tag. */
  readonly position?: string | undefined
  readonly lease: Lease
  /** The client library's own object, for the adapter's accessor. */
  readonly native: unknown
}

/** The right to settle. Shared by all deliveries of a partition or channel; one per message only where brokers say so. */
export interface Lease {
  /** `recalled`: hand back soon. `lost`: settling is void, another member may have the message. */
  readonly state: 'held' | 'recalled' | 'lost'
  /** Calls `listener` on each change of state. Returns what ends the subscription. */
  subscribe(listener: () => void): () => void
}

/** What becomes of a delivery. Exactly one each. */
export type Settlement =
  | { readonly kind: 'accept' }
  /** Not processed (shutdown): give it back for another member, at once. */
  | { readonly kind: 'release' }
  /** Give it again after the delay. Only within `capabilities.retryInPlace`. */
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** Only where `capabilities.deadLetter` is `native`. `headers` carry the failure record, beside the message's own. */
  | { readonly kind: 'deadLetter'; readonly reason: string; readonly headers: Headers }

export interface Listener {
  /** No new deliveries, then all settled, then settlements flushed. The core settles every open delivery meanwhile. */
  drain(): Promise<void>
  /**
   * Resolves when deliveries stopped without `drain` (cancelled, crashed, connection lost): the core listens again.
   * Whatever it delivered is void then. On a lost connection `lost` is reported first. Never rejects.
   */
  readonly ended: Promise<unknown>
}

export interface Topology {
  readonly channels: readonly TopologyChannel[]
}

export interface TopologyChannel {
  readonly name: string
  /** Messages of one key stay in order: decides what is made. */
  readonly keyed: boolean
  readonly groups: readonly TopologyGroup[]
  /** An existing entity of the broker to use instead of one named after the channel. */
  readonly address?: string
  /** The adapter's own settings for this channel, checked by the adapter: `shards`, `partitions`. */
  readonly settings?: { readonly [name: string]: unknown }
}

export interface TopologyGroup {
  readonly name: string
  /** The distinct delays of its retry policy, ascending. Empty when only a sender asks. */
  readonly delaysMs: readonly number[]
  /** Existing entities to use instead of those named after the group. */
  readonly address?: string
  readonly deadLetterAddress?: string
}

export interface TopologyReport {
  /** The entities made, or found under `verify`, by the broker's own names. */
  readonly entities: readonly string[]
  /** The delay lanes there are, in every mode. Only where `capabilities.delayLanes`. */
  readonly lanes?: readonly GroupLanes[]
}

/**
 * All delay lanes of one group that was asked for, also those that no retry policy names any more: the core listens to
 * them too, so that what waits there is not stranded. Conformance: RTY-14.
 */
export interface GroupLanes {
  readonly channel: string
  readonly group: string
  readonly delaysMs: readonly number[]
}

export interface Inspection {
  /** Messages waiting to be delivered. */
  readonly ready?: number
  /** Where the group's messages end, for `inspect` to look no further. Only where the broker keeps them in order. */
  readonly horizon?: unknown
  /** Messages delivered and not settled. */
  readonly unsettled?: number
  /** Age of the oldest waiting message. */
  readonly oldestMs?: number
}
