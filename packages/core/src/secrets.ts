import { inspect, types } from 'node:util'
import { describeError } from './error-description.ts'

const hidden = '***'
const secretName = /pass|pwd|secret|token|credential|auth|signature|^sig$|key$/i
const userinfoInText = /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@"'`<>]*@/gi
/** Shorter ones would take words out of every text. */
const minSecretLength = 3
const minBase64Length = 4

/**
 * The URL without its user, password and those values of its query whose names speak of secrets; each becomes `***`.
 *
 * Works on the text, so that a URL which no parser takes does not leak either; in doubt it hides more.
 * Conformance: ERR-03.
 */
export function redactUrl(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? ''
  const rest = redactParameters(url.slice(scheme.length))
  const at = rest.lastIndexOf('@')
  if (at >= 0) return `${scheme}${hidden}${rest.slice(at)}`
  return scheme + (url.includes('@') ? withoutUserinfo(rest) : rest)
}

/** For an `@` that went with a value: what stands before the path may still be a user and half a password. */
function withoutUserinfo(rest: string): string {
  return rest.replace(/^[^/?#]*/, (host) => (/^[^:]*(?::\d*)?$/.test(host) ? host : hidden))
}

function redactParameters(text: string): string {
  return text.replace(/([?&;#]|^)([^=&;#?\s]+)=([^&;#\s]*)/g, (whole, before: string, name: string) =>
    secretName.test(decoded(name)) ? `${before}${name}=${hidden}` : whole,
  )
}

/** The values in a URL that must not be shown: what a `SecretRedactor` is to be told. */
export function secretsOf(url: string): string[] {
  const userinfo = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(.*)@/is.exec(url)?.[1] ?? ''
  const password = userinfo.slice(userinfo.indexOf(':') + 1 || userinfo.length)
  const secrets = password === '' ? [] : [password]
  for (const [, name = '', value = ''] of url.matchAll(/[?&;#]([^=&;#?\s]+)=([^&;#\s]*)/g)) {
    if (secretName.test(decoded(name)) && value !== '') secrets.push(value)
  }
  return secrets
}

/** The texts in settings that must not be shown: those under names that speak of secrets, and those within URLs. */
export function secretsIn(settings: unknown, name = ''): string[] {
  if (typeof settings === 'string') return secretName.test(name) ? [settings] : secretsOf(settings)
  if (typeof settings === 'number') return secretName.test(name) ? [String(settings)] : []
  if (typeof settings !== 'object' || settings === null) return []
  const isList = Array.isArray(settings)
  return Object.entries(settings).flatMap(([key, value]) => secretsIn(value, isList ? name : key))
}

/**
 * Takes known secrets out of whatever is shown to anybody: errors, events, failure records.
 *
 * A secret is found as it is, percent-encoded in any way or not, escaped as JSON does it, and anywhere inside base64
 * (`PLAIN` credentials). The user and password of any URL are hidden too. Secrets of one or two characters are not
 * looked for. Conformance: ERR-03.
 */
export class SecretRedactor {
  readonly #secrets = new Set<string>()
  #plain: RegExp | undefined
  #base64: RegExp | undefined

  /** Both the text itself and what it says when percent-decoded. A text of several lines: each line. */
  add(secret: string | undefined): void {
    for (const line of (secret ?? '').split(/\r?\n/)) {
      for (const form of [line, decoded(line)]) if (form.length >= minSecretLength) this.#secrets.add(form)
    }
    const longestFirst = [...this.#secrets].sort((a, b) => b.length - a.length)
    this.#plain = anyOf(longestFirst.flatMap((each) => [anyEncodingOf(each), jsonFormOf(each)]))
    this.#base64 = anyOf(longestFirst.flatMap(base64FormsOf))
  }

  redact(text: string): string {
    const withoutUsers = text.includes('@') ? text.replace(userinfoInText, `$1${hidden}@`) : text
    const withoutPlain = this.#plain === undefined ? withoutUsers : withoutUsers.replace(this.#plain, hidden)
    return this.#base64 === undefined ? withoutPlain : withoutRuns(withoutPlain, this.#base64)
  }

  /**
   * The error itself when it is clean; else a copy of the same class without the secrets, its causes and inner errors
   * included. Objects in it that hold a secret become redacted text. Never throws.
   */
  redactError(error: unknown): unknown {
    try {
      return this.#clean(error, new Map())
    } catch {
      return new Error(this.redact(describeError(error).message))
    }
  }

  #clean(value: unknown, done: Map<unknown, unknown>): unknown {
    if (typeof value === 'string') return this.redact(value)
    if (typeof value !== 'object' || value === null) return value
    if (done.has(value)) return done.get(value)
    if (!types.isNativeError(value)) return this.#cleanObject(value, done)
    return this.#cleanError(value, done)
  }

  /** Clean until found otherwise, so that errors which contain each other come to an end. */
  #cleanError(error: Error, done: Map<unknown, unknown>): Error {
    const copy = Object.setPrototypeOf(new Error(''), Object.getPrototypeOf(error) as object | null) as Error
    done.set(error, copy)
    let isClean = true
    for (const key of Reflect.ownKeys(error)) {
      const value = (error as unknown as Record<PropertyKey, unknown>)[key]
      const cleaned = this.#clean(value, done)
      isClean &&= Object.is(value, cleaned) || cleaned === copy
      const enumerable = Object.prototype.propertyIsEnumerable.call(error, key)
      Object.defineProperty(copy, key, { value: cleaned, enumerable, writable: true, configurable: true })
    }
    done.set(error, isClean ? error : copy)
    return isClean ? error : copy
  }

  #cleanObject(value: object, done: Map<unknown, unknown>): unknown {
    done.set(value, value)
    if (Array.isArray(value)) {
      const cleaned = value.map((each) => this.#clean(each, done))
      return cleaned.every((each, index) => Object.is(each, value[index])) ? value : cleaned
    }
    const text = ArrayBuffer.isView(value) ? textOf(value) : inspect(value, wholly)
    const redacted = this.redact(text)
    return redacted === text ? value : redacted
  }
}

const wholly = {
  depth: 6,
  customInspect: false,
  maxStringLength: Infinity,
  maxArrayLength: 1000,
  breakLength: Infinity,
}

function textOf(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('latin1')
}

/** Each character as it is or percent-encoded, whichever encoder was at work. */
function anyEncodingOf(secret: string): string {
  return [...secret].map((character) => `(?:${percentEncoded(character)}|${literally(character)})`).join('')
}

function percentEncoded(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${hexDigit(byte >> 4)}${hexDigit(byte & 15)}`).join('')
}

function hexDigit(value: number): string {
  const digit = value.toString(16)
  return value < 10 ? digit : `[${digit}${digit.toUpperCase()}]`
}

function jsonFormOf(secret: string): string {
  return literally(JSON.stringify(secret).slice(1, -1))
}

/** Inside base64 a text begins at one of three offsets; only the digits that it alone decides are looked for. */
function base64FormsOf(secret: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
    const digits = bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6))
    if (digits.length < minBase64Length) return []
    return [literally(digits).replaceAll('\\+', '[+\\-]').replaceAll('\\/', '[\\/_]')]
  })
}

/**
 * Hides each run of base64 that has a match in it: the digits beside it hold the rest of the secret. Not in the regular
 * expression, which would take quadratic time over a long text of letters.
 */
function withoutRuns(text: string, inside: RegExp): string {
  let shown = ''
  let from = 0
  for (const { index, 0: found } of text.matchAll(inside)) {
    if (index < from) continue
    let start = index
    while (start > from && isBase64(text, start - 1)) start--
    let end = index + found.length
    while (end < text.length && isBase64(text, end)) end++
    shown += text.slice(from, start) + hidden
    from = end
  }
  return shown + text.slice(from)
}

function isBase64(text: string, index: number): boolean {
  return /[A-Za-z0-9+/_=-]/.test(text.charAt(index))
}

function anyOf(forms: readonly string[]): RegExp | undefined {
  return forms.length === 0 ? undefined : new RegExp(forms.join('|'), 'gu')
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
