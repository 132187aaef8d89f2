import type { ChannelTypes } from './channel-types.ts'

export interface SendOptions {
  /** Default: a new UUIDv7. The same id again is recognised as a duplicate by idempotent consumers. */
  id?: string
  /** Default: what the channel's `key` gives. */
  key?: string
  headers?: Record<string, string>
  correlationId?: string
  /** Not before this time. Refused with `unsupported` where the broker cannot. The past means now. */
  deliverAt?: Date
  /** Not handled later than this many milliseconds after sending. */
  expiresInMs?: number
  /** How long to wait for the broker's confirmation, outages included. Default 30 s; then `timeout`. */
  timeoutMs?: number
  /** Gives up waiting: rejects with `aborted`. What is on its way may still arrive. */
  signal?: AbortSignal
}

export interface Receipt {
  readonly id: string
}

/** A validated, encoded message as plain data: what an outbox table stores. */
export interface PreparedMessage {
  readonly id: string
  readonly channel: string
  readonly attributes: Record<string, string>
  readonly key: string | undefined
  readonly headers: Record<string, string>
  readonly body: Uint8Array | undefined
  readonly deliverAt: Date | undefined
}

/**
 * Everything a sender of one channel needs, checked at startup: connected, provisioned, its demands met by the broker.
 * Has its own send window.
 *
 * Conformance: SND-01 to SND-15.
 */
export interface Producer<T extends ChannelTypes> extends AsyncDisposable {
  /** Resolves when the broker has taken responsibility. */
  send(data: T['send'], options?: SendOptions): Promise<Receipt>
  /** Rejects with `failures` (index and error of each) unless all were confirmed. */
  sendAll(data: readonly T['send'][], options?: Omit<SendOptions, 'id'>): Promise<readonly Receipt[]>
  prepare(data: T['send'], options?: SendOptions): Promise<PreparedMessage>
  /** Resolves once all that was accepted is confirmed or rejected. */
  close(): Promise<void>
}
