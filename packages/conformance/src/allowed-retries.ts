import type { Messaging, RetryPolicy } from '@waybill/core'
import type { Capabilities } from '@waybill/core/driver'

/** Whether the broker can deliver a message again later, in any way. */
export function canDelay({ retryInPlace, delayedSend, delayLanes }: Capabilities): boolean {
  return retryInPlace !== undefined || (delayedSend?.toGroupMs ?? 0) > 0 || delayLanes
}

/** All that a broker which can delay nothing lets a consumer ask for. */
const oneRun: RetryPolicy = { maxAttempts: 1, delaysMs: [] }

/**
 * The same connection, whose consumers, where a case names no retry policy, have the most that this broker allows: the
 * default, or a single run. Which policy is refused is for CAP-01 to show; most cases are about something else.
 */
export function withAllowedRetries(messaging: Messaging, capabilities: Capabilities): Messaging {
  if (canDelay(capabilities)) return messaging
  const allowed: { readonly [method: string]: unknown } = {
    consume: (channel: never, options: object, handler: never) =>
      messaging.consume(channel, { retry: oneRun, ...options } as never, handler),
    consumeBatch: (channel: never, options: object, handler: never) =>
      messaging.consumeBatch(channel, { retry: oneRun, ...options } as never, handler),
  }
  return new Proxy(messaging, {
    get(target, name) {
      if (typeof name === 'string' && Object.hasOwn(allowed, name)) return allowed[name]
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
