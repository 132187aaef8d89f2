const escaped = /[%\p{Cc}\p{Noncharacter_Code_Point}]/gu
const loneSurrogate = /\p{Cs}/gu

/** Any text as a header value: `%`, control characters and noncharacters percent-encoded, lone surrogates replaced. */
export function headerSafe(text: string): string {
  return text.replace(loneSurrogate, '\ufffd').replace(escaped, encodeURIComponent)
}

/** Undoes `headerSafe`. A text that it did not write is answered as it is. */
export function fromHeaderSafe(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function headerSafeBytes(text: string): number {
  return Buffer.byteLength(headerSafe(text))
}

/**
 * The longest beginning of `text` that, made header-safe, takes at most `maxBytes`, with the marker `… [cut N bytes]`.
 * N counts the bytes of the text itself. Where there is no room for the marker, nothing is left.
 */
export function cutToBytes(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && headerSafeBytes(text) <= maxBytes) return text
  const totalBytes = Buffer.byteLength(text)
  const roomBytes = maxBytes - Buffer.byteLength(marker(totalBytes))
  if (roomBytes < 0) return ''
  const kept = beginning(text, roomBytes)
  return kept + marker(totalBytes - Buffer.byteLength(kept))
}

function beginning(text: string, maxBytes: number): string {
  let bytes = 0
  let end = 0
  for (const character of text.slice(0, maxBytes)) {
    bytes += headerSafeBytes(character)
    if (bytes > maxBytes) break
    end += character.length
  }
  return text.slice(0, end)
}

function marker(cutBytes: number): string {
  return `… [cut ${cutBytes} bytes]`
}
