import type { Consumer, Messaging } from '@waybill/core'
import { priceQuote } from './price-quote.ts'

/** Answers each request with what the handler returns. */
export function startPricing(messaging: Messaging, centsBySku: ReadonlyMap<string, number>): Promise<Consumer> {
  return messaging.consume(priceQuote, { group: 'pricing' }, async ({ sku, quantity }) => {
    const cents = centsBySku.get(sku)
    if (cents === undefined) throw new Error(`no price for "${sku}"`)
    return { totalCents: cents * quantity }
  })
}
