import type { Runtime } from './runtime.ts'

const counterBits = 26
const randomBytesPerId = 6
const digits = Buffer.from('0123456789abcdef')

/**
 * Makes UUIDs of version 7 (RFC 9562), each greater than all before it from the same source, as text and as bytes.
 *
 * The function returned takes the wall-clock time in milliseconds. Where that stands still or steps back, a counter of
 * 26 bits (`rand_a` and the upper part of `rand_b`, starting at random in its lower half) goes on under the latest time
 * seen; one that is used up (at `mostPerMs`, lower only in tests) borrows the next millisecond. The other 48 bits are
 * random in every id.
 */
export function createIdSource({ random }: Runtime, mostPerMs: number = 2 ** counterBits): (nowMs: number) => string {
  const take = pooled(random, randomBytesPerId * 512)
  const text = Buffer.from('00000000-0000-7000-8000-000000000000')
  let latestMs = 0
  let counter = 0

  function startMs(ms: number): void {
    latestMs = ms
    counter = (take() << 17) | (take() << 9) | (take() << 1) | (take() & 1)
    const time = ms.toString(16).padStart(12, '0')
    text.write(time.slice(0, 8), 0, 'latin1')
    text.write(time.slice(8), 9, 'latin1')
  }

  return (nowMs) => {
    if (nowMs >= latestMs + 1) startMs(Math.floor(nowMs))
    else if (++counter >= mostPerMs) startMs(latestMs + 1)
    writeHex(text, 15, counter >>> 14, 3)
    writeHex(text, 19, 0x8000 | (counter & 0x3fff), 4)
    for (let at = 24; at < 36; at += 2) writeHex(text, at, take(), 2)
    return text.toString('latin1', 0, 36)
  }
}

/** Random bytes one by one; asking for many at a time makes each cheap. */
function pooled(random: Runtime['random'], size: number): () => number {
  const pool = new Uint8Array(size)
  let used = size
  return () => {
    if (used === size) {
      random.fill(pool)
      used = 0
    }
    return pool[used++] as number
  }
}

function writeHex(text: Buffer, at: number, value: number, length: number): void {
  let rest = value
  for (let index = at + length - 1; index >= at; index--) {
    text[index] = digits[rest & 15] as number
    rest >>>= 4
  }
}
