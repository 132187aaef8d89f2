import type { WireMessage } from './driver/wire-message.ts'
import { MessagingError } from './messaging-error.ts'

/**
 * What is kept free for the core: attempts, times, a reply address, and the failure record without its stack. A message
 * that is accepted must never be too large to be retried or dead-lettered.
 */
const ownBytes = 2_048

/** Names and values of all headers and attributes, in UTF-8: what `capabilities.maxHeaderBytes` bounds. */
export function envelopeBytes(message: WireMessage): number {
  let bytes = 0
  for (const [name, value] of attributesOf(message))
    if (value !== undefined) bytes += name.length + Buffer.byteLength(value)
  for (const texts of [message.extensions, message.headers]) {
    for (const name in texts) bytes += Buffer.byteLength(name) + Buffer.byteLength(texts[name]!)
  }
  return bytes
}

/** @throws MessagingError `tooLarge` when headers and attributes leave the core too little room. Conformance: CAP-02. */
export function checkEnvelope(
  message: WireMessage,
  { maxHeaderBytes }: { readonly maxHeaderBytes: number },
  channel: string,
): void {
  const limit = maxHeaderBytes - Math.min(ownBytes, maxHeaderBytes / 2)
  // A UTF-16 unit makes at most three bytes.
  if (textLength(message) * 3 <= limit) return
  const bytes = envelopeBytes(message)
  if (bytes <= limit) return
  const what = `${bytes} bytes of headers and attributes, and the broker takes ${limit} beside the core's own`
  throw new MessagingError('tooLarge', `cannot send to "${channel}": ${what}; move data into the body`, { channel })
}

function textLength(message: WireMessage): number {
  const { id = '', source = '', type = '', time = '', contentType = '', key = '' } = message
  let length = attributeNames + id.length + source.length + type.length + time.length + contentType.length + key.length
  for (const texts of [message.extensions, message.headers]) {
    for (const name in texts) length += name.length + texts[name]!.length
  }
  return length
}

const attributeNames = 'idsourcetypetimedatacontenttypepartitionkey'.length

function attributesOf({
  id,
  source,
  type,
  time,
  contentType,
  key,
}: WireMessage): (readonly [string, string | undefined])[] {
  return [
    ['id', id],
    ['source', source],
    ['type', type],
    ['time', time],
    ['datacontenttype', contentType],
    ['partitionkey', key],
  ]
}
