import type { Headers } from './driver/wire-message.ts'

/**
 * What the core tells of its work. Without one given, the core calls nothing and the cost is nothing.
 *
 * No call throws. Errors handed over have had their secrets removed. Conformance: OBS-01 to OBS-04.
 */
export interface Telemetry {
  /** A send begins. Writes the trace context of this send into `headers`, unless they carry one already. */
  sending(about: SendDescription, headers: Record<string, string>): SendObservation
  /** Deliveries reached the application's side; once per delivery. */
  received(about: ReceiveDescription): void
  /** A handler is about to run. */
  processing(about: ProcessDescription): ProcessObservation
  /** A settlement was handed to the broker, or failed to be. */
  settled(about: SettleDescription): void
}

export interface SendDescription {
  /** The OpenTelemetry name of the messaging system. */
  readonly system: string
  readonly channel: string
  readonly id: string
  /** Not shown anywhere: keys are often personal data. */
  readonly key?: string
  /** Of the body. */
  readonly bytes: number
  /** How long it has waited for its turn since the call of `send`, in milliseconds. Default 0. */
  readonly waitedMs?: number
}

export interface ReceiveDescription {
  readonly system: string
  readonly channel: string
  readonly group?: string | undefined
  /** Of a single delivery. */
  readonly id?: string
  /** Of a single delivery: the trace context to link to. */
  readonly headers?: Headers
  /** Default 1. */
  readonly count?: number
}

export interface ProcessDescription {
  readonly system: string
  readonly channel: string
  readonly group?: string | undefined
  /** Of a single message. */
  readonly id?: string
  readonly attempt: number
  /** Of the body, or of all bodies of a batch. */
  readonly bytes: number
  /** Of a single message: carries the trace context of its send. */
  readonly headers?: Headers
  /** Of a batch: the headers of each. */
  readonly batch?: readonly Headers[]
}

export interface SettleDescription {
  readonly system: string
  readonly channel: string
  readonly group?: string | undefined
  readonly id: string
  readonly outcome: 'accept' | 'retry' | 'deadLetter' | 'release'
  /** Why settling failed. */
  readonly error?: unknown
  readonly headers?: Headers
  /** How long settling took, in milliseconds. Default 0. */
  readonly durationMs?: number
}

export interface SendObservation {
  /** Called once. Without an error: the broker has taken responsibility. */
  end(error?: unknown): void
}

export interface ProcessObservation {
  /** Runs the handler so that what it does belongs to this trace. */
  run<R>(work: () => R): R
  /** Called once, when the handler has ended. */
  end(error?: unknown): void
}
