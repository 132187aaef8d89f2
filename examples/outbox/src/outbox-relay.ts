import type { Messaging } from '@waybill/core'
import type { OutboxTable } from './outbox-table.ts'

const batchSize = 100

/**
 * Sends what waits in the outbox, answers how many. Run one at a time, so that the order is kept.
 *
 * Marks only what the broker has confirmed. Ending in between sends it again with the same id: for the inbox to see.
 */
export async function relayOutbox(
  messaging: Messaging,
  outbox: Pick<OutboxTable, 'unsent' | 'markSent'>,
): Promise<number> {
  let relayed = 0
  for (;;) {
    const entries = outbox.unsent(batchSize)
    if (entries.length === 0) return relayed
    await messaging.sendPrepared(entries.map(({ message }) => message))
    outbox.markSent(entries)
    relayed += entries.length
  }
}
