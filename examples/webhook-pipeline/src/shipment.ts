import { type Webhook, keyOf } from './webhook-channel.ts'
import { digestOf } from './digest.ts'

/** One message that will be sent. A duplicate is a second shipment with the same id and content. */
export interface Shipment {
  /** Position among all that is sent, from 1; sent along, so that each copy can be told from the other. */
  readonly sequence: number
  /** Position among the messages, without the duplicates; the same for both copies. */
  readonly number: number
  readonly id: string
  readonly key: string
  readonly webhook: Webhook
  readonly digest: string
  readonly isDuplicate: boolean
}

const duplicateEvery = 50
/** A sender that timed out and sends again does so a little later. */
const duplicateAfter = 7

/** The examples, over and over up to `messages`, and every 50th of them a second time shortly after. */
export function planShipments(examples: readonly Webhook[], messages: number, run: string): readonly Shipment[] {
  const prepared = examples.map((webhook) => ({ webhook, key: keyOf(webhook), digest: digestOf(webhook) }))
  const shipments: Shipment[] = []
  const ship = (number: number, isDuplicate: boolean): void => {
    const example = prepared[(number - 1) % prepared.length]
    if (example === undefined) throw new Error('there are no webhooks to send')
    shipments.push({ ...example, sequence: shipments.length + 1, number, id: `${run}-${number}`, isDuplicate })
  }
  for (let number = 1; number <= messages + duplicateAfter; number++) {
    if (number <= messages) ship(number, false)
    const earlier = number - duplicateAfter
    if (earlier > 0 && earlier % duplicateEvery === 0) ship(earlier, true)
  }
  return shipments
}
