/** Why a broker could not be had or a fault could not be made. Closed: programs act on it. */
export type BrokerErrorCode =
  | 'unknownBroker'
  | 'engineUnavailable'
  | 'imageUnavailable'
  | 'startFailed'
  | 'commandFailed'
  | 'noFaultControl'
  | 'timeout'

/** The one error of this package. Its message says what failed, on what, and what to do. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BrokerError'
    this.code = code
  }
}

/** The text of anything that was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
