import { MessagingError, type ErrorCode } from '@waybill/core/driver'

/** What the embedded broker throws: the counterpart of a client library's error, wrapped by the core like any other. */
export class MemoryBrokerError extends Error {
  override readonly name = 'MemoryBrokerError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Maps what connecting, sending or listening threw to a code. Unknown things are `internal`. Conformance: ERR-01. */
export function classifyMemoryError(error: unknown): ErrorCode {
  if (error instanceof MemoryBrokerError || MessagingError.is(error)) return error.code
  if (error instanceof Error && error.name === 'AbortError') return 'aborted'
  return 'internal'
}

export function notFound(what: string): MemoryBrokerError {
  return new MemoryBrokerError('notFound', `${what} does not exist; provision it with mode 'create' first`)
}

export function connectionLost(why = 'the connection to the memory broker is lost'): MemoryBrokerError {
  return new MemoryBrokerError('unavailable', why)
}

export function connectionClosed(): MemoryBrokerError {
  return new MemoryBrokerError('closed', 'this connection to the memory broker is closed')
}

export function aborted(signal: AbortSignal): MemoryBrokerError {
  return new MemoryBrokerError('aborted', 'connecting to the memory broker was given up', { cause: signal.reason })
}

export function unsupported(what: string): MemoryBrokerError {
  return new MemoryBrokerError(
    'unsupported',
    `${what}, which is beyond the declared capabilities of this memory broker`,
  )
}
