/** Longer ones are made anew as fast as compared. */
const longest = 48

/** Reads values of which many are the same, one after the other: to compare one costs less than to make its text anew. */
export class RepeatedText {
  #text = ''
  #bytes: Uint8Array = new Uint8Array()

  /** As `bytes.toString()`. */
  read(bytes: Uint8Array & { toString(): string }): string {
    if (isSame(bytes, this.#bytes)) return this.#text
    const text = bytes.toString()
    if (bytes.length > longest) return text
    this.#text = text
    // A copy: the bytes themselves are a piece of all that was fetched, which would stay in memory with them.
    this.#bytes = new Uint8Array(bytes)
    return text
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  const { length } = one
  if (length !== other.length) return false
  for (let at = 0; at < length; at++) if (one[at] !== other[at]) return false
  return true
}
