import type { Capabilities } from './driver/capabilities.ts'
import type { Driver } from './driver/driver.ts'
import { MessagingError } from './messaging-error.ts'
import { tiersOf, type RetryPolicy } from './retry-policy.ts'

/** How a retry is carried out on a broker. */
export type RetryStrategy =
  /** Keep the delivery, and its key, until it is time. */
  | { readonly kind: 'hold' }
  /** The broker gives it again. */
  | { readonly kind: 'inPlace'; readonly maxMs: number }
  /** A copy to this group, delayed by the broker, confirmed; then the original is accepted. */
  | { readonly kind: 'copy'; readonly maxMs: number; readonly tiersMs: readonly number[] | undefined }
  /** A copy to a delay lane, confirmed; the core holds it there until it is due. */
  | { readonly kind: 'lane'; readonly tiersMs: readonly number[] }

/** What a retry asks of the broker. */
export interface RetryDemand {
  readonly channel: string
  readonly group: string
  readonly keyed: boolean
  /** The group lives with its consumer: nobody else can be handed a copy. */
  readonly temporary: boolean
  readonly policy: RetryPolicy
}

/**
 * The first of these that the broker can do: hold for order, in place, delayed copy, delay lane.
 *
 * @throws MessagingError `unsupported` when it can do none, or not for so long. Conformance: SET-05, CAP-01.
 */
export function retryStrategy(driver: Driver, demand: RetryDemand): RetryStrategy {
  const { capabilities } = driver
  if (demand.keyed || demand.temporary) return hold(driver, demand)
  const { retryInPlace, delayedSend, delayLanes } = capabilities
  if (retryInPlace !== undefined) return inPlace(driver, demand, retryInPlace)
  if (delayedSend !== undefined && delayedSend.toGroupMs > 0) return copy(driver, demand, delayedSend)
  if (delayLanes) return { kind: 'lane', tiersMs: tiersOf(demand.policy) }
  if (demand.policy.maxAttempts === 1) return { kind: 'copy', maxMs: 0, tiersMs: undefined }
  throw refused(driver, demand, 'retries', 'the broker can delay nothing; set retry: { maxAttempts: 1, delaysMs: [] }')
}

/** The delay of the next hop towards a message that is due in `remainingMs`. */
export function nextHopMs(
  strategy: { maxMs?: number; tiersMs: readonly number[] | undefined },
  remainingMs: number,
): number {
  const { tiersMs, maxMs = Infinity } = strategy
  if (tiersMs === undefined || tiersMs.length === 0) return Math.min(remainingMs, maxMs)
  let hop = tiersMs.find((tierMs) => tierMs > 0) ?? 0
  for (const tierMs of tiersMs) if (tierMs <= remainingMs && tierMs > hop) hop = tierMs
  return hop
}

function hold(driver: Driver, demand: RetryDemand): RetryStrategy {
  const { holdMs } = driver.capabilities
  const { policy } = demand
  const runs = Math.min(policy.maxAttempts - 1, 10_000)
  let totalMs = 0
  for (let attempt = 0; attempt < runs; attempt++) {
    totalMs += policy.delaysMs[Math.min(attempt, policy.delaysMs.length - 1)] ?? 0
  }
  const longestMs = Math.max(0, ...policy.delaysMs)
  if (longestMs > holdMs || (policy.maxAttempts !== Infinity && totalMs > holdMs)) {
    const waits = policy.maxAttempts === Infinity ? longestMs : totalMs
    throw refused(
      driver,
      demand,
      `retries that hold a message for ${waits} ms`,
      `the broker lets a consumer keep one for ${holdMs} ms; use shorter delays or fewer attempts`,
    )
  }
  return { kind: 'hold' }
}

function inPlace(
  driver: Driver,
  demand: RetryDemand,
  { maxMs, maxDeliveries }: NonNullable<Capabilities['retryInPlace']>,
): RetryStrategy {
  checkLongest(driver, demand, maxMs)
  const { maxAttempts } = demand.policy
  if (maxDeliveries !== undefined && maxAttempts > maxDeliveries) {
    throw refused(
      driver,
      demand,
      `${maxAttempts} attempts`,
      `the broker delivers at most ${maxDeliveries} times; use fewer`,
    )
  }
  return { kind: 'inPlace', maxMs }
}

function copy(
  driver: Driver,
  demand: RetryDemand,
  { toGroupMs, tiersOnly }: NonNullable<Capabilities['delayedSend']>,
): RetryStrategy {
  checkLongest(driver, demand, toGroupMs)
  return { kind: 'copy', maxMs: toGroupMs, tiersMs: tiersOnly ? tiersOf(demand.policy) : undefined }
}

function checkLongest(driver: Driver, demand: RetryDemand, maxMs: number): void {
  const longestMs = Math.max(0, ...demand.policy.delaysMs)
  if (longestMs <= maxMs) return
  throw refused(
    driver,
    demand,
    `a retry delay of ${longestMs} ms`,
    `the broker can delay ${maxMs} ms at most; use a shorter one`,
  )
}

function refused(driver: Driver, { channel, group }: RetryDemand, what: string, why: string): MessagingError {
  return new MessagingError(
    'unsupported',
    `cannot consume "${channel}" as "${group}" with ${what} on ${driver.system}: ${why}`,
    {
      channel,
      group,
      system: driver.system,
    },
  )
}
