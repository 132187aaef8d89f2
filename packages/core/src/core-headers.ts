import { newHeaders } from './driver/header-table.ts'
import { reservedHeaderPrefix, type Headers } from './driver/wire-message.ts'

/** The headers by which the core speaks to itself, across processes and restarts. */
export const coreHeader = {
  /** Runs finished so far, all of them failures. */
  attempt: 'waybill-attempt',
  /** Not to be handled before this time, in milliseconds since the epoch. */
  due: 'waybill-due',
  /** How long it was to wait on arrival, in milliseconds, when it was sent: clocks that are set must not make it more. */
  wait: 'waybill-wait',
  /** When the first run failed, RFC 3339. */
  firstFailure: 'waybill-first-failure-at',
  /** Which copy of the message this is, retries and hops counted; the message as it was sent is none. */
  copy: 'waybill-copy',
  /** The temporary group that waits for the reply. */
  replyTo: 'waybill-reply-to',
  /** The id of the dead letter that this message corrects. */
  replaces: 'waybill-replaces',
} as const

/** The same headers with some set, others (`undefined`) gone. Null prototype. */
export function withHeaders(headers: Headers, changes: { readonly [name: string]: string | undefined }): Headers {
  const result = newHeaders()
  for (const name in headers) if (!Object.hasOwn(changes, name)) result[name] = headers[name]!
  for (const name of Object.keys(changes)) {
    const value = changes[name]
    if (value !== undefined) result[name] = value
  }
  return result
}

/** Without what is only true of a message on its way through retries. */
export function withoutCounters(headers: Headers): Headers {
  return withHeaders(headers, {
    [coreHeader.attempt]: undefined,
    [coreHeader.copy]: undefined,
    [coreHeader.due]: undefined,
    [coreHeader.wait]: undefined,
    [coreHeader.firstFailure]: undefined,
  })
}

/** What the application sees: all but the core's own. */
export function applicationHeaders(headers: Headers): Headers {
  for (const name in headers) {
    if (name.startsWith(reservedHeaderPrefix)) return copyWithoutReserved(headers)
  }
  return headers
}

function copyWithoutReserved(headers: Headers): Headers {
  const result = newHeaders()
  for (const name in headers) if (!name.startsWith(reservedHeaderPrefix)) result[name] = headers[name]!
  return result
}

/** A whole number from a header; 0 when absent or not one. */
export function numberIn(headers: Headers, name: string): number {
  const text = headers[name]
  if (text === undefined) return 0
  const value = Number(text)
  return Number.isSafeInteger(value) && value > 0 ? value : 0
}
