// Request and reply over channels; a request that nobody can answer ends with a typed timeout.
//   node examples/request-reply/src/request-reply.ts
import { connect, MessagingError } from '@waybill/core'
import { priceQuote } from './price-quote.ts'
import { startPricing } from './pricing-service.ts'

await using messaging = await connect(process.env.WAYBILL_URL ?? 'memory:')
await startPricing(messaging, new Map([['pencil', 120]]))

const { totalCents } = await messaging.request(priceQuote, { sku: 'pencil', quantity: 3 }, { timeoutMs: 5_000 })
console.log(`three pencils: ${totalCents} cents`)

try {
  await messaging.request(priceQuote, { sku: 'unicorn', quantity: 1 }, { timeoutMs: 500 })
} catch (error) {
  if (!MessagingError.is(error)) throw error
  console.log(`one unicorn: ${error.code}`)
}
