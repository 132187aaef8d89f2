import type { Outgoing } from './driver/driver.ts'
import type { Headers, WireMessage } from './driver/wire-message.ts'
import type { MessagingError } from './messaging-error.ts'
import type { Receipt } from './producer.ts'

/** A send that its caller waits for. Handed to the driver as it is. */
export class PendingSend implements Outgoing {
  readonly message: WireMessage
  readonly delayMs?: number
  readonly bytes: number
  /** By `clock.monotonic()`. */
  readonly deadlineAt: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: MessagingError) => void
  /** Place in the order of submission, kept over resends. */
  seq = 0
  /** The caller has its answer; whatever the broker still says is too late. */
  answered = false
  inFlight = false
  /** Called when the caller gets its answer. */
  onAnswer: (() => void) | undefined
  previous: PendingSend | undefined
  next: PendingSend | undefined

  constructor(
    message: WireMessage,
    delayMs: number | undefined,
    deadlineAt: number,
    resolve: (receipt: Receipt) => void,
    reject: (error: MessagingError) => void,
  ) {
    this.message = message
    if (delayMs !== undefined) this.delayMs = delayMs
    this.bytes = (message.body?.byteLength ?? 0) + bytesOfHeaders(message.headers) + 256
    this.deadlineAt = deadlineAt
    this.resolve = resolve
    this.reject = reject
  }
}

/** Batches are limited with what stands beside the body; most messages have no headers, and then this costs nothing. */
function bytesOfHeaders(headers: Headers): number {
  let bytes = 0
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!)
  return bytes
}

/** The sends not answered yet, oldest first. */
export class PendingSendList {
  first: PendingSend | undefined
  last: PendingSend | undefined
  count = 0
  bytes = 0

  add(send: PendingSend): void {
    send.previous = this.last
    if (this.last === undefined) this.first = send
    else this.last.next = send
    this.last = send
    this.count++
    this.bytes += send.bytes
  }

  remove(send: PendingSend): void {
    if (send.previous === undefined) this.first = send.next
    else send.previous.next = send.next
    if (send.next === undefined) this.last = send.previous
    else send.next.previous = send.previous
    send.previous = undefined
    send.next = undefined
    this.count--
    this.bytes -= send.bytes
  }
}
