import type { Clock } from './driver/clock.ts'
import type { Driver } from './driver/driver.ts'
import { MessagingError } from './messaging-error.ts'

/**
 * The delay that `deliverAt` means now; `undefined`: at once.
 *
 * @throws MessagingError `unsupported` where the broker cannot schedule, `invalidArgument` past its maximum.
 * Conformance: SCH-01 to SCH-03.
 */
export function sendDelay(
  driver: Driver,
  channel: { readonly name: string; readonly keyed: boolean },
  deliverAt: Date | undefined,
  clock: Clock,
): number | undefined {
  if (deliverAt === undefined) return undefined
  const at = deliverAt.getTime()
  if (Number.isNaN(at)) throw new MessagingError('invalidArgument', 'deliverAt is not a valid date')
  const scheduled = driver.capabilities.delayedSend
  if (scheduled === undefined || scheduled.toChannelMs === 0) {
    throw unsupported(driver, channel, 'this broker cannot schedule messages; send it when it is due')
  }
  if (channel.keyed && !scheduled.withOrder) {
    throw unsupported(
      driver,
      channel,
      `this broker cannot schedule messages and keep them in order; remove ordering: 'key'`,
    )
  }
  const delayMs = at - clock.now()
  if (delayMs > scheduled.toChannelMs) {
    throw new MessagingError(
      'invalidArgument',
      `cannot send to "${channel.name}" with deliverAt ${delayMs} ms ahead: ${driver.system} can wait ${scheduled.toChannelMs} ms at most`,
      { channel: channel.name, system: driver.system },
    )
  }
  return delayMs > 0 ? delayMs : undefined
}

function unsupported(driver: Driver, channel: { readonly name: string }, what: string): MessagingError {
  return new MessagingError(
    'unsupported',
    `cannot send to "${channel.name}" with deliverAt on ${driver.system}: ${what}`,
    {
      channel: channel.name,
      system: driver.system,
    },
  )
}
