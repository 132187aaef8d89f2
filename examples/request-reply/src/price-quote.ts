import { channel } from '@waybill/core'
import { z } from 'zod'

/** A channel with a reply is a request channel; both sides know both shapes. */
export const priceQuote = channel('prices.quote', {
  schema: z.object({ sku: z.string(), quantity: z.int().positive() }),
  reply: z.object({ totalCents: z.int() }),
  groups: ['pricing'],
})
