import { isUtf8 } from 'node:buffer'
import { isUint8Array } from 'node:util/types'

/**
 * Any AMQP field value as text: what a producer that is not ours put into a header. Never throws.
 *
 * Texts as they are; numbers and truth values as JavaScript writes them; no value as an empty text; times as RFC 3339;
 * bytes as UTF-8, or else base64; tables and arrays as JSON of the same.
 */
export function fieldText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (typeof value !== 'object') return String(value)
  if (isUint8Array(value)) return bytesText(value)
  return scalarText(value) ?? tableText(value)
}

/**
 * Not told by `instanceof`, as `Buffer.isBuffer` does: amqplib makes bytes named `__proto__` the prototype of the table
 * they are in, which then passes for bytes and is none. Conformance: MSG-16.
 */
function bytesText(bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes
  return Buffer.from(buffer, byteOffset, byteLength).toString(isUtf8(bytes) ? 'utf8' : 'base64')
}

/** amqplib decodes timestamps and decimals into tables with a `!`; a table that only looks like one stays a table. */
function scalarText(value: object): string | undefined {
  const { '!': type, value: content } = value as { '!'?: unknown; value?: unknown }
  if (type === 'timestamp' && typeof content === 'number') return timeOfSeconds(content) ?? String(content)
  return type === 'decimal' && isDecimal(content) ? decimalText(content) : undefined
}

interface Decimal {
  /** AMQP counts them in one byte. */
  readonly places: number
  readonly digits: number
}

function isDecimal(value: unknown): value is Decimal {
  if (typeof value !== 'object' || value === null) return false
  const { places, digits } = value as Partial<Decimal>
  return typeof places === 'number' && places >= 0 && places < 256 && typeof digits === 'number'
}

function decimalText({ places, digits }: Decimal): string {
  const padded = String(digits).padStart(places + 1, '0')
  return places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`
}

function tableText(value: object): string {
  try {
    return JSON.stringify(value, replaceLeaf)
  } catch {
    return ''
  }
}

/** Looks at the value before its `toJSON`: bytes have one. */
function replaceLeaf(this: { [name: string]: unknown }, name: string, json: unknown): unknown {
  const value = this[name]
  if (typeof value !== 'object' || value === null) return json
  return isUint8Array(value) ? bytesText(value) : (scalarText(value) ?? json)
}

const lastSecondOfYear9999 = 253_402_300_799

/** AMQP counts seconds; producers that give milliseconds are understood. `undefined`: no time. */
export function timeOfSeconds(value: unknown): string | undefined {
  if (typeof value !== 'number' || !(value >= 0)) return undefined
  const ms = value > lastSecondOfYear9999 ? value : value * 1000
  return ms > lastSecondOfYear9999 * 1000 + 999 ? undefined : new Date(ms).toISOString()
}
