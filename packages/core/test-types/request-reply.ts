import type { Messaging } from '@waybill/core'
import { orderPlaced, priceQuote } from './channels.ts'

export async function requestReply(messaging: Messaging) {
  await messaging.consume(priceQuote, { group: 'pricing' }, async ({ quantity }) => ({ cents: quantity * 10 }))
  // @ts-expect-error the reply has the wrong shape
  await messaging.consume(priceQuote, { group: 'pricing' }, async ({ quantity }) => ({ euros: quantity * 10 }))
  const quote = await messaging.request(priceQuote, { sku: 'a', quantity: 2 }, { timeoutMs: 2_000 })
  quote.cents.toFixed()
  // @ts-expect-error this channel has no reply
  await messaging.request(orderPlaced, { orderId: '', customerId: '', totalCents: 0 }, { timeoutMs: 1 })
}
