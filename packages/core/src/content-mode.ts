import type { ChannelRoute } from './connection-routes.ts'
import { structuredBody } from './driver/structured-event.ts'
import type { WireMessage } from './driver/wire-message.ts'
import { MessagingError } from './messaging-error.ts'

/**
 * The message as its channel is to carry it. One without a body is always binary: a document would be no tombstone.
 *
 * @throws MessagingError `tooLarge` when the document is larger than what the broker takes, though the body is not.
 */
export function inContentMode(
  message: WireMessage,
  { contentMode }: Pick<ChannelRoute, 'contentMode'>,
  { maxBodyBytes }: { readonly maxBodyBytes: number },
  channel: string,
): WireMessage {
  const structured = contentMode === 'structured' ? structuredBody(message) : undefined
  if (structured === undefined) return message
  if (structured.byteLength <= maxBodyBytes) return { ...message, structured }
  const what = `as one document the event has ${structured.byteLength} bytes, and the broker takes ${maxBodyBytes}`
  throw new MessagingError('tooLarge', `cannot send to "${channel}": ${what}; use contentMode: 'binary'`, { channel })
}
