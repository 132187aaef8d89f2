import type { Capabilities } from '@waybill/core/driver'
import type { Kit } from '../../kit.ts'

/** The steps in which this broker delays. */
export function granularityMs({ retryInPlace, delayedSend }: Capabilities): number {
  return retryInPlace?.granularityMs ?? delayedSend?.granularityMs ?? 0
}

/** By when a message has gone through retries with these delays. */
export function retriedWithinMs(kit: Kit, delaysMs: readonly number[]): number {
  const delayedMs = delaysMs.reduce((sum, delayMs) => sum + delayMs + granularityMs(kit.capabilities), 0)
  return delayedMs + kit.timings.arriveMs
}

/** Whether the attempt is the broker's count of deliveries, in which releases and crashes count too. */
export function overCounts({ retryInPlace, deliveries }: Capabilities): boolean {
  return retryInPlace !== undefined && deliveries !== 'attemptsOnly'
}
