import { newHeaders, noHeaders } from './driver/header-table.ts'
import { reservedHeaderPrefix, type Headers } from './driver/wire-message.ts'
import { MessagingError } from './messaging-error.ts'

/** Short strings of AMQP 0-9-1, the smallest room any of the brokers has for a name, a key or an id. */
const maxNameBytes = 255
/** Control characters, lone surrogates, noncharacters: what MQTT 5 (1.5.4) and XML 1.0 (SQS) do not carry. */
const unsendable = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u
/** CloudEvents attributes go by these prefixes in one binding or another: HTTP, Kafka, AMQP, AMQP with JMS. */
const takenPrefixes = ['ce-', 'ce_', 'cloudevents:', 'cloudevents_']

export interface HeaderLimits {
  /** Names and values of all headers together, in UTF-8 bytes. */
  readonly maxHeaderBytes: number
  readonly maxHeaders?: number
}

/**
 * Checks an application's headers before any I/O and answers a copy with a null prototype; without headers, one frozen
 * empty object for all.
 *
 * `about` names the channel. Names like `__proto__` and `constructor` are names like any other.
 *
 * @throws MessagingError `invalidArgument`: not a plain object; a name that is empty, over 255 bytes, the core's
 * (`waybill-`) or CloudEvents' (`ce-`, `ce_`, `cloudEvents:`, `cloudEvents_`, in any case); a value that is no string;
 * a control character, lone surrogate or noncharacter in either. `tooLarge`: more than the limits.
 *
 * Conformance: SND-12, MSG-03 to MSG-05.
 */
export function checkHeaders(
  headers: { readonly [name: string]: string } | undefined,
  limits: HeaderLimits,
  about: string,
): Headers {
  if (headers === undefined) return noHeaders
  if (!isPlainObject(headers)) throw refused(about, `headers must be a plain object, not ${describe(headers)}`)
  const names = Object.keys(headers)
  if (names.length === 0) return noHeaders
  const checked = newHeaders()
  let bytes = 0
  for (const name of names) {
    const value = headers[name] as string
    bytes += checkName(name, about) + checkValue(name, value, about)
    checked[name] = value
  }
  checkSize(names.length, bytes, limits, about)
  return checked
}

/** @throws MessagingError `invalidArgument` unless `key` is 1 to 255 bytes of text without control characters. */
export function checkKey(key: unknown): asserts key is string {
  checkText('the key', key)
}

/** As `checkKey`, for message ids and correlation ids. */
export function checkId(id: unknown): asserts id is string {
  checkText('the id', id)
}

const encode = '; encode it, for instance with encodeURIComponent'

function checkName(name: string, about: string): number {
  if (name === '') throw refused(about, 'a header name must not be empty')
  const bytes = sendableBytes(name)
  if (bytes < 0) throw refused(about, `header name ${show(name)} has ${unsendableIn(name)}`, '; remove it')
  if (bytes > maxNameBytes) {
    throw refused(about, `header name ${show(name)} is longer than ${maxNameBytes} bytes`, '; shorten it')
  }
  if (mayBeTaken(name)) checkPrefix(name, about)
  return bytes
}

function checkValue(name: string, value: unknown, about: string): number {
  if (typeof value !== 'string') throw refused(about, `header ${show(name)} must be a string, not ${describe(value)}`)
  const bytes = sendableBytes(value)
  if (bytes < 0) throw refused(about, `header ${show(name)} has ${unsendableIn(value)} in its value`, encode)
  return bytes
}

/** Spares most names the lower-casing: those taken begin with `w`, `W`, `c` or `C`. */
function mayBeTaken(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20
  return first === 0x77 || first === 0x63
}

function checkPrefix(name: string, about: string): void {
  const lower = name.toLowerCase()
  if (lower.startsWith(reservedHeaderPrefix)) {
    throw refused(
      about,
      `header ${show(name)}: names that begin with "${reservedHeaderPrefix}" are the library's`,
      rename,
    )
  }
  if (takenPrefixes.some((prefix) => lower.startsWith(prefix))) {
    throw refused(about, `header ${show(name)} would be read as a CloudEvents attribute`, rename)
  }
}

const rename = '; choose another name'

function checkSize(count: number, bytes: number, limits: HeaderLimits, about: string): void {
  const { maxHeaders = Infinity, maxHeaderBytes } = limits
  const measured =
    count > maxHeaders
      ? `${count} headers and the broker takes ${maxHeaders}`
      : bytes > maxHeaderBytes
        ? `${bytes} bytes of headers and the broker takes ${maxHeaderBytes}`
        : undefined
  if (measured === undefined) return
  throw new MessagingError('tooLarge', `cannot send to "${about}": ${measured}; move data into the body`, {
    channel: about,
  })
}

function checkText(what: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalid(`${what} must be a string, not ${describe(value)}`)
  if (value === '') throw invalid(`${what} must not be empty; leave it out instead`)
  const bytes = sendableBytes(value)
  if (bytes < 0) throw invalid(`${what} ${show(value)} has ${unsendableIn(value)}${encode}`)
  if (bytes > maxNameBytes)
    throw invalid(`${what} ${show(value)} is longer than ${maxNameBytes} bytes; use a digest of it`)
}

/** Its bytes in UTF-8; -1: it cannot be sent. Printable ASCII, the usual case, is settled in one go. */
function sendableBytes(text: string): number {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x20 || unit > 0x7e) return unsendable.test(text) ? -1 : Buffer.byteLength(text)
  }
  return text.length
}

function unsendableIn(text: string): string {
  const [found = ''] = unsendable.exec(text) ?? []
  const code = found.codePointAt(0) ?? 0
  const kind =
    code >= 0xd800 && code <= 0xdfff ? 'a lone surrogate' : code < 0xa0 ? 'a control character' : 'a noncharacter'
  return `${kind} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`
}

/** Other objects (`Map`, the `Headers` of fetch) would look empty, and their content would be lost without a word. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function show(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : typeof value
}

function refused(about: string, what: string, fix = ''): MessagingError {
  return new MessagingError('invalidArgument', `cannot send to "${about}": ${what}${fix}`, { channel: about })
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalidArgument', what)
}
