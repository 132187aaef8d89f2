import { newHeaders, noHeaders, type HeaderTable } from './header-table.ts'
import type { Headers } from './wire-message.ts'

/**
 * What a mapper reads of a message, header by header: the attributes of a CloudEvent in binary mode, and the headers of the
 * application. How the broker's names and values become these is the mapper's; what is not read stays `undefined`.
 */
export class BinaryEvent {
  specversion: string | undefined
  id: string | undefined
  source: string | undefined
  type: string | undefined
  time: string | undefined
  contentType: string | undefined
  /** The attribute `partitionkey`. */
  key: string | undefined
  /** Says that an empty body is none. */
  isTombstone = false
  /** What cannot be read, if anything. */
  problem: string | undefined
  extensions: Headers = noHeaders
  headers: Headers = noHeaders

  setVersion(text: string): void {
    this.specversion = text
    if (text !== '1.0') this.problem ??= 'CloudEvents specversion is not "1.0"'
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
    this.problem ??= `the header ${header} holds no text`
  }
}
