import { structuredEvent, structuredMediaType, type WireMessage } from '@waybill/core/driver'

/** What a receiver reads: of an event that was sent as one document, what stands in that; its key and headers stay. */
export function receivedMessage(message: WireMessage): WireMessage {
  const { structured, headers, key } = message
  if (structured === undefined) return message
  const read = structuredEvent(structuredMediaType, Buffer.from(structured), headers)
  return key === undefined ? read : { ...read, key }
}
