import { isMapped } from './index-group.ts'
import { chatFailures } from './notify-group.ts'
import type { Shipment } from './shipment.ts'
import type { GroupName } from './webhook-channel.ts'

/** The table's columns. */
export interface Counts {
  readonly sent: number
  readonly handled: number
  readonly retried: number
  readonly suppressed: number
  readonly deadLettered: number
  readonly redriven: number
  readonly doubleEffects: number
  readonly orderViolations: number
  readonly lost: number
}

export type CountsByGroup = Readonly<Record<GroupName, Counts>>

/** What has to come out, computed from what goes in. */
export function expectedCounts(shipments: readonly Shipment[]): CountsByGroup {
  const sent = shipments.length
  const messages = shipments.filter(({ isDuplicate }) => !isDuplicate)
  const retried = messages.reduce((sum, { number }) => sum + chatFailures(number), 0)
  const deadLettered = shipments.filter(({ webhook }) => !isMapped(webhook.event, 1)).length
  const none = {
    retried: 0,
    suppressed: 0,
    deadLettered: 0,
    redriven: 0,
    doubleEffects: 0,
    orderViolations: 0,
    lost: 0,
  }
  return {
    audit: { ...none, sent, handled: sent },
    notify: { ...none, sent, handled: sent, retried },
    // Both copies of a duplicate that has no mapping are dead-lettered and redriven; then the first one is handled.
    index: {
      ...none,
      sent,
      handled: messages.length,
      suppressed: sent - messages.length,
      deadLettered,
      redriven: deadLettered,
    },
  }
}
