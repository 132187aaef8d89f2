import type { ChannelDefinition } from './channel.ts'
import { headersOf, newHeaders, noHeaders } from './driver/header-table.ts'
import type { WireMessage } from './driver/wire-message.ts'
import { MessagingError } from './messaging-error.ts'
import type { PreparedMessage } from './producer.ts'

/** How the relay of another process, which may not know the channel, learns that its keys are in order. */
const orderingAttribute = 'waybillordering'
const ownAttributes = ['id', 'source', 'type', 'time', 'datacontenttype', orderingAttribute]

export function toPrepared(
  channel: ChannelDefinition,
  wire: WireMessage,
  deliverAt: Date | undefined,
): PreparedMessage {
  const attributes: Record<string, string> = { id: wire.id!, source: wire.source!, type: wire.type!, time: wire.time! }
  if (wire.contentType !== undefined) attributes['datacontenttype'] = wire.contentType
  if (channel.keyed) attributes[orderingAttribute] = 'key'
  Object.assign(attributes, wire.extensions)
  return {
    id: wire.id!,
    channel: channel.name,
    attributes,
    key: wire.key,
    headers: headersOf(wire.headers),
    body: wire.body,
    deliverAt,
  }
}

export function isKeyed(message: PreparedMessage): boolean {
  return message.attributes[orderingAttribute] === 'key'
}

/** @throws MessagingError `invalidArgument` on what `prepare` did not give. */
export function fromPrepared(message: PreparedMessage): WireMessage {
  const { attributes, id, body } = message
  if (typeof id !== 'string' || typeof attributes !== 'object' || attributes === null) throw notPrepared()
  if (body !== undefined && !(body instanceof Uint8Array)) throw notPrepared(`; its body is no Uint8Array`)
  const extensions = newHeaders()
  for (const name of Object.keys(attributes)) if (!ownAttributes.includes(name)) extensions[name] = attributes[name]!
  return {
    id,
    source: attributes['source'],
    type: attributes['type'],
    time: attributes['time'],
    contentType: attributes['datacontenttype'],
    extensions,
    key: message.key,
    headers: headersOf(message.headers ?? noHeaders),
    body,
  }
}

function notPrepared(detail = ''): MessagingError {
  return new MessagingError('invalidArgument', `sendPrepared takes what prepare() gave, as it was${detail}`)
}
