import { isUtf8 } from 'node:buffer'

/** Bytes as text: UTF-8, or else base64. */
export function textOfBytes(bytes: Uint8Array): string {
  const buffer = bufferOf(bytes)
  const text = buffer.toString()
  return text.includes('\ufffd') && !isUtf8(buffer) ? buffer.toString('base64') : text
}

/** The same bytes, not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
