import { connect, MessagingError } from '@waybill/core'
import { expect, test } from 'vitest'
import { priceQuote } from '../src/price-quote.ts'
import { startPricing } from '../src/pricing-service.ts'
import { expectedOutput, runProgram } from '../../run-program.ts'

test('prints a price and a timeout', async () => {
  expect(await runProgram('request-reply/src/request-reply.ts')).toBe(expectedOutput('request-reply'))
})

test('each request gets its own reply', async () => {
  await using messaging = await connect('memory:')
  await startPricing(messaging, new Map([['pencil', 120]]))
  const quantities = Array.from({ length: 50 }, (_, index) => index + 1)
  const replies = await Promise.all(
    quantities.map((quantity) => messaging.request(priceQuote, { sku: 'pencil', quantity }, { timeoutMs: 5_000 })),
  )
  expect(replies).toEqual(quantities.map((quantity) => ({ totalCents: quantity * 120 })))
})

test('a request that the schema refuses is not sent', async () => {
  await using messaging = await connect('memory:')
  const asked = messaging.request(priceQuote, { sku: 'pencil', quantity: 0 }, { timeoutMs: 5_000 })
  await expect(asked).rejects.toSatisfy((error) => MessagingError.is(error) && error.code === 'invalidArgument')
})
