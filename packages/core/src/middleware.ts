import type { HandlerContext } from './handler.ts'

/** What a send looks like to middleware. Headers may be changed; the data has been validated and may not. */
export interface OutgoingMessage {
  readonly channel: string
  readonly data: unknown
  headers: Record<string, string>
}

/**
 * Around the handler, and around the send. The first in the list is the outermost.
 *
 * The position is fixed: decode, trace, idempotency, middleware, timeout, handler; then retry, then dead letter. A
 * middleware that does not call `next` has done the work itself; one that throws fails the run or rejects the send.
 */
export interface Middleware {
  handle?(context: HandlerContext, next: () => Promise<void>): Promise<void>
  send?(outgoing: OutgoingMessage, next: () => Promise<void>): Promise<void>
}
