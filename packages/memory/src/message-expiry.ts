import type { Clock, WireMessage } from '@waybill/core/driver'

/** Whether the message says that it is past its time. */
export function isExpired(message: WireMessage, clock: Clock): boolean {
  const { expirytime } = message.extensions
  return expirytime !== undefined && Date.parse(expirytime) <= clock.now()
}
