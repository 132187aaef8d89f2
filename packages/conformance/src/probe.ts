import type { Address, Headers, Lane } from '@waybill/core/driver'

/** One group of a channel, or one of its lanes; `main` unless said. */
export interface GroupAddress {
  readonly channel: string
  readonly group: string
  readonly lane?: Lane
}

/** A message as a client that knows nothing of the adapter reads and writes it. */
export interface ProbeMessage {
  /** CloudEvents attributes by their plain names, read under the CloudEvents binding of the transport. */
  readonly attributes: Headers
  /** All other headers that are text: the application's, W3C trace context, and the core's `waybill-…`. */
  readonly headers: Headers
  readonly key: string | undefined
  readonly body: Uint8Array | undefined
}

/**
 * The broker as seen by the raw client library, with connections of its own. It never uses the adapter under test, and
 * finds entities by the names that the adapter documents.
 */
export interface Probe {
  /** Puts a message where a foreign producer would. What is left out is not on the wire: no attributes, a foreign message. */
  inject(to: Address, message: Partial<ProbeMessage>): Promise<void>
  /** Takes what waits, oldest first where the broker keeps order, and removes it. */
  extract(from: GroupAddress, limit?: number): Promise<readonly ProbeMessage[]>
  /** Reads the dead letters of a group, failure record included, and leaves them. */
  readDeadLetters(channel: string, group: string): Promise<readonly ProbeMessage[]>
  /** How many messages wait to be delivered. */
  depth(at: GroupAddress): Promise<number>
  /** How many messages are delivered and not settled. */
  unsettled(at: GroupAddress): Promise<number>
  /** The broker's own names of all entities that contain `fragment`, temporary ones included. */
  entities(fragment: string): Promise<readonly string[]>
  /** How many client connections the broker sees, the probe's own left out; `undefined` where it cannot say. */
  connections(): Promise<number | undefined>
}
