import { deepEqual, equal } from 'node:assert/strict'
import { bytes, channel } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import { groups, ownHeaders, pass, type FidelityChannel, type Sending } from './exchange.ts'

const cases = 1_000

/** Whatever the checks at the door let through arrives as it was. */
export const random: readonly Behaviour[] = [
  {
    id: 'MSG-12',
    deadlineMs: 60_000,
    async run(kit) {
      const seed = [...kit.nonce].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7)
      kit.log.note(`seed ${seed}`)
      const dice = new Dice(seed)
      const { maxHeaders = 8, maxHeaderBytes } = kit.capabilities
      const files: FidelityChannel<Uint8Array> = channel(kit.name('files'), { schema: bytes, groups })
      const sends = Array.from({ length: cases }, (): Sending<Uint8Array> => {
        const headers = dice.headers(Math.min(8, maxHeaders), Math.min(4_000, maxHeaderBytes - 1_000))
        const key = dice.below(2) === 0 ? {} : { key: dice.text(1, 40) }
        return { data: dice.bytes(dice.below(8) === 0 ? 20_000 : 200), options: { headers, ...key } }
      })
      for (const [index, { run, wire }] of (await pass(kit, files, sends)).entries()) {
        const { data, options = {} } = sends[index] as Sending<Uint8Array>
        const sent = { headers: ownHeaders(options.headers ?? {}), key: options.key, body: hex(data) }
        const { headers, key } = run.message
        deepEqual({ headers: ownHeaders(headers), key, body: hex(run.data) }, sent, `case ${index} as handled`)
        const found = { headers: ownHeaders(wire.headers), key: wire.key, body: hex(wire.body) }
        deepEqual(found, sent, `case ${index} at the broker`)
      }
      equal(sends.length, cases)
    },
  },
]

const hex = (body: Uint8Array | undefined): string | undefined =>
  body === undefined ? undefined : Buffer.from(body).toString('hex')

/** What no send may carry: the core refuses it before any I/O (MSG-05). */
const refused = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u
/** Where the odd characters are: ASCII, Latin, combining, right to left, separators, private use, emoji, the last plane. */
const ranges = [
  0x20, 0x7e, 0xa0, 0x24f, 0x300, 0x36f, 0x5d0, 0x6ff, 0x2000, 0x206f, 0xe000, 0xf8ff, 0xfe00, 0xfffd, 0x1f300, 0x1faff,
  0x100000, 0x10fffd,
]

/** xorshift32: a failure is repeated by its seed. */
class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0 || 1
  }

  below(limit: number): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return (state >>> 0) % limit
  }

  text(least: number, most: number): string {
    const length = least + this.below(most - least + 1)
    return Array.from({ length }, () => this.#character()).join('')
  }

  bytes(most: number): Uint8Array {
    return Uint8Array.from({ length: this.below(most + 1) }, () => this.below(256))
  }

  /** Up to so many, within `maxBytes`. No name begins as the core's or CloudEvents' do. */
  headers(most: number, maxBytes: number): { [name: string]: string } {
    const headers: { [name: string]: string } = {}
    let bytes = 0
    for (let left = this.below(most + 1); left > 0; left--) {
      const name = `h${this.text(0, 30)}`
      const value = this.text(0, 60)
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
      if (bytes <= maxBytes) headers[name] = value
    }
    return headers
  }

  #character(): string {
    const range = this.below(ranges.length / 2) * 2
    const [low = 0x20, high = 0x7e] = ranges.slice(range, range + 2)
    const character = String.fromCodePoint(low + this.below(high - low + 1))
    return refused.test(character) ? '?' : character
  }
}
