/** What went wrong, as a closed set that programs can act on. */
export type ErrorCode =
  | 'invalidArgument'
  | 'unsupported'
  | 'notFound'
  | 'failedPrecondition'
  | 'permissionDenied'
  | 'unauthenticated'
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'closed'
  | 'tooLarge'
  | 'unroutable'
  | 'decodeFailed'
  | 'leaseLost'
  | 'internal'

export interface MessagingErrorDetails {
  /** Default: true for `unavailable` and `timeout`, false for all others. */
  readonly retryable?: boolean
  readonly cause?: unknown
  readonly channel?: string
  readonly group?: string
  /** The OpenTelemetry name of the messaging system the error came from, such as `rabbitmq`. */
  readonly system?: string
  readonly failures?: readonly SendFailureOf[]
}

/** One entry of a rejected `sendAll` or `sendPrepared`. */
export interface SendFailureOf {
  readonly index: number
  readonly error: MessagingError
}

const brand = Symbol.for('waybill.MessagingError')

/**
 * The one error class of the library. Act on `code`; read `message`, which says what failed, on what, and what to do.
 *
 * Recognised by a brand rather than by class, so that two installed copies of the core agree: `MessagingError.is(error)`.
 *
 * Conformance: ERR-01, ERR-02.
 */
export class MessagingError extends Error {
  override readonly name = 'MessagingError'
  readonly code: ErrorCode
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean
  readonly channel: string | undefined
  readonly group: string | undefined
  readonly system: string | undefined
  /** Of `sendAll` and `sendPrepared`: exactly the entries that were not confirmed. */
  readonly failures: readonly SendFailureOf[] | undefined

  constructor(code: ErrorCode, message: string, details: MessagingErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? (code === 'unavailable' || code === 'timeout')
    this.channel = details.channel
    this.group = details.group
    this.system = details.system
    this.failures = details.failures
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a `MessagingError`, of this or of another copy of the core. */
  static is(value: unknown): value is MessagingError {
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      return false // A proxy whose trap throws.
    }
  }
}
