import { channel } from '@waybill/core'
import { z } from 'zod'

export const orderPlaced = channel('orders.placed', {
  schema: z.object({ customer: z.string(), number: z.int(), card: z.enum(['valid', 'expired']) }),
  key: (order) => order.customer,
  ordering: 'key',
  groups: ['billing'],
})
