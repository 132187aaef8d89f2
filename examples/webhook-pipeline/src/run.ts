import { randomUUID } from 'node:crypto'
import type { Message } from '@waybill/core'

/** Tells a message's copies apart. For the checks at the end only: no group acts on it. */
export const sequenceHeader = 'sequence'

/** One run of this program. What an earlier one left on the broker is not ours to count. */
export class Run {
  readonly id = randomUUID().slice(0, 8)
  readonly source = '/examples/webhook-pipeline'

  owns({ source, id }: Pick<Message, 'source' | 'id'>): boolean {
    return source === this.source && id.startsWith(`${this.id}-`)
  }
}
