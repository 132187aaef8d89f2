import { channel } from '@waybill/core'
import { z } from 'zod'

export const customer = z.object({ id: z.string(), name: z.string(), city: z.string() })
export type Customer = z.infer<typeof customer>

/** What is known of each customer now; nothing (`undefined`) under the key of one that is gone. */
export const customers = channel('customers', {
  schema: customer.optional(),
  key: (known) => known?.id ?? '', // who removes one gives its key
  ordering: 'key',
  groups: [],
})
