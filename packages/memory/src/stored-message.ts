import type { WireMessage } from '@waybill/core/driver'

/** One message as one group keeps it. */
export class StoredMessage {
  readonly message: WireMessage
  /** Its place in the channel. A message that comes back after a delay takes a new one. */
  sequence: number
  /** Milliseconds of the sender's monotonic clock, rounded down. */
  readonly storedAtMs: number
  /** How often it was delivered. */
  deliveries = 0
  /** The one behind it in the queue that holds it. */
  next: StoredMessage | undefined = undefined
  #identified: WireMessage | undefined

  constructor(message: WireMessage, sequence: number, storedAtMs: number) {
    this.message = message
    this.sequence = sequence
    this.storedAtMs = storedAtMs
  }

  /** With an id: its own, or the place where it was first delivered, as brokers give one that retry in place. */
  identifiedIn(lane: string): WireMessage {
    if (this.message.id !== undefined) return this.message
    return (this.#identified ??= { ...this.message, id: `${lane}@${this.sequence}` })
  }
}
