/** Longer ones are made anew as fast as compared. */
const longest = 48

/** Reads values of which many are the same, one after the other: to compare one costs less than to make its text anew. */
export class RepeatedText {
  #text = ''
  #bytes: Uint8Array = new Uint8Array()

  /** As `bytes.toString('utf8', begin, end)`. */
  read(bytes: Buffer, begin: number, end: number): string {
    if (isSame(bytes, begin, end, this.#bytes)) return this.#text
    const text = bytes.toString('utf8', begin, end)
    if (end - begin > longest) return text
    this.#text = text
    // A copy: the bytes themselves are a piece of all that was fetched, which would stay in memory with them.
    this.#bytes = new Uint8Array(bytes.subarray(begin, end))
    return text
  }
}

function isSame(bytes: Uint8Array, begin: number, end: number, known: Uint8Array): boolean {
  const { length } = known
  if (end - begin !== length) return false
  for (let at = 0; at < length; at++) if (bytes[begin + at] !== known[at]) return false
  return true
}
