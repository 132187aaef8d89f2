import { newHeaders, noHeaders, type HeaderTable } from './header-table.ts'
import { structuredContentType, structuredEvent } from './structured-event.ts'
import type { Headers, WireMessage } from './wire-message.ts'

/**
 * What a mapper reads of a message, header by header: the attributes of a CloudEvent in binary mode, and the headers of the
 * application. How the broker's names and values become these is the mapper's; what is not read stays `undefined`.
 */
export class BinaryEvent {
  id: string | undefined
  source: string | undefined
  type: string | undefined
  time: string | undefined
  contentType: string | undefined
  key: string | undefined
  /** Says that an empty body is none. */
  isTombstone = false
  extensions: Headers = noHeaders
  headers: Headers = noHeaders
  #specversion: string | undefined
  #problem: string | undefined

  setVersion(text: string): void {
    this.#specversion = text
    if (text !== '1.0') this.#problem ??= 'CloudEvents specversion is not "1.0"'
  }

  /** A further attribute, by its own name. */
  extend(name: string, text: string): void {
    if (this.extensions === noHeaders) this.extensions = newHeaders()
    ;(this.extensions as HeaderTable)[name] = text
  }

  addHeader(name: string, text: string): void {
    if (this.headers === noHeaders) this.headers = newHeaders()
    ;(this.headers as HeaderTable)[name] = text
  }

  /** What stands in the header of that name can be no attribute. */
  isNoText(header: string): void {
    this.#problem ??= `the header ${header} holds no text`
  }

  /** The message with these bytes: an event that is one document says all itself, but for key and headers. */
  message(bytes: Buffer | undefined): WireMessage {
    const { id, source, type, time, contentType, extensions, key, headers } = this
    const body = this.isTombstone && bytes?.byteLength === 0 ? undefined : bytes
    if (body !== undefined && contentType !== undefined && this.#isDocument(contentType)) {
      const message = structuredEvent(contentType, body, headers)
      return key === undefined ? message : { ...message, key }
    }
    const message = { id, source, type, time, contentType, extensions, key, headers, body }
    return this.#problem === undefined ? message : { ...message, problem: this.#problem }
  }

  #isDocument(contentType: string): boolean {
    return this.#specversion === undefined && contentType.toLowerCase().startsWith(structuredContentType)
  }
}
