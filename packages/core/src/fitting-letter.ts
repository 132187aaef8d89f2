import { newHeaders } from './driver/header-table.ts'
import type { Headers, WireMessage } from './driver/wire-message.ts'
import { envelopeBytes } from './envelope-size.ts'

export interface LetterLimits {
  readonly maxHeaderBytes: number
  readonly maxHeaders?: number
}

const recordPrefix = 'waybill-failure-'
/** How many headers and attributes a dead letter had to do without. Gone with the record when it is redriven. */
const lostName = `${recordPrefix}lost-headers`
const lostBytes = 48
const maxNameBytes = 255
/** An attribute that takes more than this part of the room is lost. */
const attributeShare = 1 / 16

/**
 * A dead letter that the broker takes: the body, the failure record, and of the attributes and headers the smallest.
 * Says how many are missing. One that was cut and refused again, since names may take more room on the wire than their
 * letters, is cut to half of its size; `undefined` when there is nothing left to cut. Conformance: MSG-16.
 */
export function fittingLetter(letter: WireMessage, limits: LetterLimits): WireMessage | undefined {
  const { [lostName]: lostBefore } = letter.headers
  if (lostBefore === undefined) return cut(letter, limits, 0)
  const again = cut(letter, { ...limits, maxHeaderBytes: envelopeBytes(letter) / 2 }, Number(lostBefore))
  return again.headers[lostName] === lostBefore ? undefined : again
}

function cut(
  letter: WireMessage,
  { maxHeaderBytes, maxHeaders = Infinity }: LetterLimits,
  lostBefore: number,
): WireMessage {
  let lost = lostBefore
  const short = (text: string | undefined): string | undefined => {
    if (text === undefined || Buffer.byteLength(text) <= maxHeaderBytes * attributeShare) return text
    lost++
    return undefined
  }
  const { id, source, type, time, contentType, key } = letter
  const attributes = { id: short(id), source: short(source), type: short(type), time: short(time) }
  const record = textsOf(letter.headers).filter(([name]) => name.startsWith(recordPrefix))
  const bare = { ...letter, ...attributes, contentType: short(contentType), key: short(key) }
  const least = { ...bare, extensions: tableOf([]), headers: tableOf(record) }
  const take = roomOf(maxHeaderBytes - envelopeBytes(least) - lostBytes)
  const others = textsOf(letter.headers).filter(([name]) => !name.startsWith(recordPrefix))
  const extensions = take(textsOf(letter.extensions), Infinity)
  const headers = take(others, maxHeaders)
  lost += textsOf(letter.extensions).length - extensions.length + others.length - headers.length
  return {
    ...least,
    extensions: tableOf(extensions),
    headers: tableOf([...headers, ...record, [lostName, String(lost)]]),
  }
}

type Text = readonly [name: string, value: string]

/** Takes the smallest first, while there is room. */
function roomOf(bytes: number): (texts: readonly Text[], most: number) => readonly Text[] {
  let left = bytes
  return (texts, most) => {
    const ascending = [...texts].sort((a, b) => bytesOf(a) - bytesOf(b))
    return ascending.filter((each, index) => {
      const isTaken = index < most && bytesOf(each) <= left && Buffer.byteLength(each[0]) <= maxNameBytes
      if (isTaken) left -= bytesOf(each)
      return isTaken
    })
  }
}

function textsOf(table: Headers): readonly Text[] {
  return Object.entries(table) as readonly Text[]
}

function tableOf(texts: readonly Text[]): Headers {
  const table = newHeaders()
  for (const [name, value] of texts) table[name] = value
  return table
}

function bytesOf([name, value]: Text): number {
  return Buffer.byteLength(name) + Buffer.byteLength(value)
}
