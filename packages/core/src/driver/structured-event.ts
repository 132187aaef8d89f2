import { bufferOf } from './buffer-of.ts'
import { headersOf, newHeaders, noHeaders } from './header-table.ts'
import type { Headers, WireMessage } from './wire-message.ts'

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
const structuredContentType = 'application/cloudevents'
/** What a CloudEvent in one JSON document is sent as. */
export const structuredMediaType = `${structuredContentType}+json; charset=utf-8`

/** Whether a message of that type is a CloudEvent in one document, unless its headers say otherwise by a `specversion`. */
export function isStructured(contentType: string | undefined): contentType is string {
  return contentType?.toLowerCase().startsWith(structuredContentType) === true
}

/** A CloudEvent that travels as one JSON document. What cannot be read has `problem` and its bytes. Never throws. */
export function structuredEvent(contentType: string, body: Buffer, headers: Headers): WireMessage {
  try {
    if (!/^application\/cloudevents\+json\s*(;|$)/i.test(contentType)) throw new Error(`cannot read ${contentType}`)
    return messageOf(parsed(body.toString('utf8')), headers)
  } catch (error) {
    const problem = `no structured CloudEvent: ${error instanceof Error ? error.message : String(error)}`
    return { ...nothingRead, contentType, headers, body, problem }
  }
}

/** The engine's own error would quote the body. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('its body is no JSON')
  }
}

const nothingRead = {
  id: undefined,
  source: undefined,
  type: undefined,
  time: undefined,
  key: undefined,
  extensions: noHeaders,
}

function messageOf(event: unknown, headers: Headers): WireMessage {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) throw new Error('it is no JSON object')
  const attributes = attributesOf(event as { [name: string]: unknown })
  const { specversion, id, source, type, time, datacontenttype, partitionkey, ...others } = attributes
  if (specversion !== '1.0') throw new Error('specversion is not "1.0"')
  for (const [name, value] of Object.entries({ id, source, type })) if (!value) throw new Error(`${name} is missing`)
  return {
    id,
    source,
    type,
    time,
    contentType: datacontenttype ?? ('data' in event ? 'application/json' : undefined),
    key: partitionkey,
    extensions: headersOf(others as Headers),
    headers,
    body: bodyOf(event, datacontenttype),
  }
}

function attributesOf(event: { [name: string]: unknown }): { [name: string]: string | undefined } {
  const attributes = newHeaders()
  for (const name of Object.keys(event)) {
    const value = event[name]
    if (name === 'data' || name === 'data_base64' || value === null) continue
    if (!/^[a-z0-9]+$/.test(name)) throw new Error('a member is named as no attribute can be')
    if (typeof value === 'object') throw new Error('an attribute is no text, number or truth value')
    attributes[name] = String(value)
  }
  return attributes
}

function bodyOf(
  event: { data?: unknown; data_base64?: unknown },
  contentType: string | undefined,
): Uint8Array | undefined {
  if (event.data_base64 !== undefined) {
    if (event.data !== undefined) throw new Error('it has data twice, as data and as data_base64')
    return bytesOfBase64(event.data_base64)
  }
  if (!('data' in event)) return undefined
  const isText = typeof event.data === 'string' && contentType !== undefined && !isJson(contentType)
  return Buffer.from(isText ? (event.data as string) : JSON.stringify(event.data))
}

function bytesOfBase64(text: unknown): Uint8Array {
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error('data_base64 is no base64')
  return Buffer.from(text, 'base64')
}

/**
 * The event as one JSON document, its key as `partitionkey`: data that is JSON as it is, other text in UTF-8 as text, all
 * else as base64. `undefined`: a tombstone, which is no document.
 */
export function structuredBody(message: WireMessage): Uint8Array | undefined {
  const { id, source, type, time, contentType, key, extensions, body } = message
  if (body === undefined) return undefined
  const named = { specversion: '1.0', id, source, type, time, datacontenttype: contentType, partitionkey: key }
  const attributes = JSON.stringify({ ...extensions, ...named })
  return Buffer.from(`${attributes.slice(0, -1)},${memberOf(body, contentType ?? '')}}`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function memberOf(body: Uint8Array, contentType: string): string {
  try {
    if (isJson(contentType)) {
      const text = utf8.decode(body)
      JSON.parse(text)
      return `"data":${text}`
    }
    if (isUtf8Text(contentType)) return `"data":${JSON.stringify(utf8.decode(body))}`
  } catch {
    // It is not what it says; as bytes it arrives as it is.
  }
  return `"data_base64":"${bufferOf(body).toString('base64')}"`
}

function isJson(contentType: string): boolean {
  return /[/+]json\s*(;|$)/i.test(contentType)
}

function isUtf8Text(contentType: string): boolean {
  return /^text\//i.test(contentType) && !/;\s*charset=(?!"?utf-8)/i.test(contentType)
}
