import { reservedHeaderPrefix, type Capabilities, type WireMessage } from '@waybill/core/driver'
import { MemoryBrokerError } from './memory-errors.ts'

/** Why a message is beyond what is declared; `undefined` when it is not. Conformance: SND-07, CAP-02. */
export function sizeProblem(message: WireMessage, limits: Capabilities): MemoryBrokerError | undefined {
  const body = message.structured ?? message.body
  if (body !== undefined && body.byteLength > limits.maxBodyBytes) {
    return tooLarge(`a body of ${body.byteLength} bytes; at most ${limits.maxBodyBytes} are taken`)
  }
  const { maxHeaders, maxHeaderBytes } = limits
  if (maxHeaders !== undefined) {
    const count = Object.keys(message.headers).filter((name) => !name.startsWith(reservedHeaderPrefix)).length
    if (count > maxHeaders) return tooLarge(`${count} headers; at most ${maxHeaders} are taken`)
  }
  // A UTF-16 unit makes at most three bytes of UTF-8.
  if (textLength(message) * 3 <= maxHeaderBytes) return undefined
  const bytes = headerBytes(message)
  return bytes > maxHeaderBytes
    ? tooLarge(`headers and attributes of ${bytes} bytes; at most ${maxHeaderBytes} are taken`)
    : undefined
}

/** Names and values of all headers and attributes together, in UTF-8. */
export function headerBytes(message: WireMessage): number {
  let bytes = 0
  for (const [name, value] of textsOf(message)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}

const attributeNames = 'idsourcetypetimedatacontenttypepartitionkey'

function textLength({ id, source, type, time, contentType, key, extensions, headers }: WireMessage): number {
  let length = attributeNames.length
  if (id !== undefined) length += id.length
  if (source !== undefined) length += source.length
  if (type !== undefined) length += type.length
  if (time !== undefined) length += time.length
  if (contentType !== undefined) length += contentType.length
  if (key !== undefined) length += key.length
  for (const name in extensions) length += name.length + (extensions[name] as string).length
  for (const name in headers) length += name.length + (headers[name] as string).length
  return length
}

function textsOf({ id, source, type, time, contentType, key, extensions, headers }: WireMessage): [string, string][] {
  const attributes = { id, source, type, time, datacontenttype: contentType, partitionkey: key }
  const present = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return [...present, ...Object.entries(extensions), ...Object.entries(headers)]
}

function tooLarge(what: string): MemoryBrokerError {
  return new MemoryBrokerError('tooLarge', `the message has ${what}`)
}
