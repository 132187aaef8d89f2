import { withHeaders } from './core-headers.ts'
import { newHeaders } from './driver/header-table.ts'
import type { Headers, WireMessage } from './driver/wire-message.ts'
import { MessagingError } from './messaging-error.ts'
import type { Receipt } from './producer.ts'
import type { SendDescription, Telemetry } from './telemetry.ts'

/** How the caller of a send learns what became of it. */
export interface SendAnswer {
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: unknown) => void
}

/** The same answer, told to telemetry too, and the message with the trace it began. */
export function observedSend(
  telemetry: Telemetry,
  where: Pick<SendDescription, 'system' | 'channel' | 'waitedMs'>,
  { resolve, reject }: SendAnswer,
  encoded: WireMessage,
): SendAnswer & { readonly message: WireMessage } {
  const { id, key, body, headers } = encoded
  const trace = traceOf(headers)
  const about = { ...where, id: id!, ...(key === undefined ? {} : { key }), bytes: body?.byteLength ?? 0 }
  const observation = telemetry.sending(about, trace)
  return {
    message: { ...encoded, headers: withHeaders(headers, trace) },
    resolve(receipt) {
      observation.end()
      resolve(receipt)
    },
    reject(error) {
      observation.end(error)
      reject(error)
    },
  }
}

/** A channel for broadcasts alone may have nobody listening: no failure there. */
export function unlessUnheard({ resolve, reject }: SendAnswer, { id }: WireMessage): SendAnswer['reject'] {
  return (error) => (MessagingError.is(error) && error.code === 'unroutable' ? resolve({ id: id! }) : reject(error))
}

/** What the application set itself is left as it is. */
function traceOf({ traceparent, tracestate }: Headers): Record<string, string> {
  const trace = newHeaders()
  if (traceparent !== undefined) trace['traceparent'] = traceparent
  if (tracestate !== undefined) trace['tracestate'] = tracestate
  return trace
}
