import type { FailureRecord } from './dead-letters.ts'
import { newHeaders, type HeaderTable } from './driver/header-table.ts'
import type { Headers } from './driver/wire-message.ts'
import { describeError } from './error-description.ts'
import { cutToBytes, headerSafe, headerSafeBytes, fromHeaderSafe } from './header-text.ts'

const prefix = 'waybill-failure-'
const maxPartBytes = 200
/** What is set aside for the stack of the error where a long message would take everything. */
const messageShare = 0.5

/** What a failure record is made of. */
export interface Failure {
  /** Whatever was thrown. */
  readonly error: unknown
  /** Runs of the handler, the failing one included. */
  readonly attempts: number
  readonly firstFailureAtMs: number
  readonly lastFailureAtMs: number
  readonly channel: string
  readonly group: string
  /** Where the broker kept the message. */
  readonly position?: string | undefined
}

/** A failure record as read back, with where the message had been. */
export interface RecordedFailure extends FailureRecord {
  readonly channel: string
  readonly group: string
}

/**
 * Writes a failure as headers, for the dead letter that carries it.
 *
 * At most `budgetBytes` of names and values, in UTF-8: message and stack are cut to fit and say so, `… [cut N bytes]`.
 * Everything else is always there, about 1,100 bytes at most. Control characters are percent-encoded, reversibly.
 * Survives every kind of error, also one whose own code throws. `redact` removes secrets before anything is cut.
 *
 * Conformance: RTY-05, RTY-06, ERR-03, ERR-05.
 */
export function encodeFailure(
  failure: Failure,
  budgetBytes: number,
  redact: (text: string) => string = (text) => text,
): Headers {
  const { type, message, stack } = describeError(failure.error)
  const headers = newHeaders()
  headers[`${prefix}type`] = headerSafe(cutToBytes(redact(type), maxPartBytes))
  headers[`${prefix}attempts`] = String(failure.attempts)
  headers[`${prefix}first-at`] = rfc3339(failure.firstFailureAtMs)
  headers[`${prefix}last-at`] = rfc3339(failure.lastFailureAtMs)
  headers[`${prefix}channel`] = headerSafe(failure.channel)
  headers[`${prefix}group`] = headerSafe(failure.group)
  if (failure.position !== undefined)
    headers[`${prefix}position`] = headerSafe(cutToBytes(failure.position, maxPartBytes))
  const leftBytes = budgetBytes - headerBytes(headers) - 2 * prefix.length - 'message'.length - 'stack'.length
  addText(headers, redact(message), redact(stack), Math.max(0, leftBytes))
  return headers
}

/** The record that `encodeFailure` wrote; `undefined`: there is none, or it is not whole. */
export function decodeFailure(headers: Headers): RecordedFailure | undefined {
  const type = headers[`${prefix}type`]
  const attempts = Number(headers[`${prefix}attempts`])
  const firstFailureAt = new Date(headers[`${prefix}first-at`] ?? Number.NaN)
  const lastFailureAt = new Date(headers[`${prefix}last-at`] ?? Number.NaN)
  const isWhole = type !== undefined && Number.isInteger(attempts) && isTime(firstFailureAt) && isTime(lastFailureAt)
  if (!isWhole) return undefined
  const position = headers[`${prefix}position`]
  return {
    type: fromHeaderSafe(type),
    message: fromHeaderSafe(headers[`${prefix}message`] ?? ''),
    stack: fromHeaderSafe(headers[`${prefix}stack`] ?? ''),
    attempts,
    firstFailureAt,
    lastFailureAt,
    channel: fromHeaderSafe(headers[`${prefix}channel`] ?? ''),
    group: fromHeaderSafe(headers[`${prefix}group`] ?? ''),
    position: position === undefined || position === '' ? undefined : fromHeaderSafe(position),
  }
}

/**
 * The record with the names of an earlier one emptied: for brokers that dead-letter themselves, which can set headers of
 * a message and not take them away. Conformance: RTY-07.
 */
export function overEarlier(headers: Headers, record: Headers): Headers {
  const result = newHeaders()
  for (const name of Object.keys(headers)) if (name.startsWith(prefix)) result[name] = ''
  return Object.assign(result, record)
}

/** The headers as they were before the failure: a copy, with a null prototype. Conformance: RTY-07, RDR-03. */
export function withoutFailure(headers: Headers): Headers {
  const kept = newHeaders()
  for (const name of Object.keys(headers)) {
    if (!name.startsWith(prefix)) kept[name] = headers[name] as string
  }
  return kept
}

/** A message that leaves room gives it to the stack. */
function addText(headers: HeaderTable, message: string, stack: string, leftBytes: number): void {
  const stackBytes = stack.length > leftBytes ? leftBytes : headerSafeBytes(stack)
  const messageBytes = Math.max(Math.floor(leftBytes * messageShare), leftBytes - stackBytes)
  const safeMessage = headerSafe(cutToBytes(message, messageBytes))
  headers[`${prefix}message`] = safeMessage
  headers[`${prefix}stack`] = headerSafe(cutToBytes(stack, leftBytes - Buffer.byteLength(safeMessage)))
}

function headerBytes(headers: Headers): number {
  let bytes = 0
  for (const name of Object.keys(headers)) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string)
  return bytes
}

/** A clock gone wrong must not cost the dead letter. */
function rfc3339(timeMs: number): string {
  const time = new Date(timeMs)
  return (isTime(time) ? time : new Date(0)).toISOString()
}

function isTime(time: Date): boolean {
  return !Number.isNaN(time.getTime())
}
