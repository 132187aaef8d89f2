import { channel } from '@waybill/core'
import { z } from 'zod'

export const orderPlaced = channel('orders.placed', {
  schema: z.object({ orderId: z.string(), customerId: z.string(), totalCents: z.int() }),
  key: (order) => order.customerId,
  ordering: 'key',
  groups: ['billing'],
})
