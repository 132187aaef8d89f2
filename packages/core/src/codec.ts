import type { MessageHeaders } from './message.ts'
import { MessagingError } from './messaging-error.ts'

/** What a codec is told about the body it decodes. */
export interface BodyDescription {
  readonly type: string
  readonly contentType: string
  readonly headers: MessageHeaders
}

/**
 * Turns values into bytes and back. A body is absent (a tombstone) when the value is `undefined`.
 *
 * What `encode` throws rejects the send with `invalidArgument`; what `decode` throws sends the message to the invalid
 * message channel. `encode` must not keep or change the value.
 */
export interface Codec<W> {
  readonly contentType: string
  encode(value: W): Uint8Array | undefined | Promise<Uint8Array | undefined>
  decode(body: Uint8Array | undefined, about: BodyDescription): W | Promise<W>
}

/** Bodies as they are. */
export const bytes: Codec<Uint8Array> = {
  contentType: 'application/octet-stream',
  encode: (value) => value,
  decode(body) {
    if (body === undefined) throw new MessagingError('decodeFailed', 'the message has no body')
    return body
  },
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** JSON in UTF-8, the default. Invalid UTF-8 is refused rather than replaced. */
export const json: Codec<unknown> = {
  contentType: 'application/json',
  encode(value) {
    if (value === undefined) return undefined
    const text = JSON.stringify(value)
    if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof value}`)
    return Buffer.from(text)
  },
  decode: (body) => (body === undefined ? undefined : parsed(utf8.decode(body))),
}

/** The engine's own error quotes the text, and what is in a body is nobody's business. Conformance: ERR-03. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { message } = error as Error
    const position = / at position (\d+)/.exec(message)?.[1]
    const where = /end of JSON/.test(message) ? 'it ends too early' : position && `at position ${position}`
    throw new SyntaxError(where === undefined ? 'no JSON' : `no JSON: ${where}`)
  }
}

export function isCodec(value: unknown): value is Codec<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Codec<unknown>).encode === 'function' &&
    typeof (value as Codec<unknown>).decode === 'function' &&
    typeof (value as Codec<unknown>).contentType === 'string'
  )
}
