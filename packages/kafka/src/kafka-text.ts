import { isUtf8 } from 'node:buffer'
import { isUint8Array } from 'node:util/types'
import { bufferOf } from '@waybill/core/driver'

/** Bytes as text: UTF-8, or else base64. */
export function textOfBytes(bytes: Uint8Array): string {
  const buffer = bufferOf(bytes)
  const text = buffer.toString()
  return text.includes('\ufffd') && !isUtf8(buffer) ? buffer.toString('base64') : text
}

/**
 * What was received under one header name. Bytes are the rule; the same name several times is a list, of which the last
 * counts, as in Kafka's own clients. kafkajs makes such a list of a single `constructor` too, and puts what an object
 * inherits under that name before it.
 */
export function lastBytes(value: unknown): Uint8Array | undefined {
  if (isUint8Array(value)) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (!Array.isArray(value)) return undefined
  for (let index = value.length - 1; index >= 0; index--) {
    const bytes = lastBytes(value[index])
    if (bytes !== undefined) return bytes
  }
  return undefined
}
