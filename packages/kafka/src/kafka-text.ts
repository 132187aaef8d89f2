import { isUtf8 } from 'node:buffer'
import { bufferOf } from '@waybill/core/driver'

/** Bytes as text: UTF-8, or else base64. */
export function textOfBytes(bytes: Uint8Array): string {
  const buffer = bufferOf(bytes)
  const text = buffer.toString()
  return text.includes('\ufffd') && !isUtf8(buffer) ? buffer.toString('base64') : text
}
