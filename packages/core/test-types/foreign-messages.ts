// Messages of producers that know nothing of Waybill, on queues that exist.
import { channel, connect } from '@waybill/core'
import { z } from 'zod'
import { store } from './surroundings.ts'

const legacyInvoice = channel('legacy.invoices', {
  groups: ['ledger'],
  schema: z.object({ INVOICE_NO: z.string(), AMT: z.coerce.number() }),
  type: 'legacy.invoice',
})
const legacyEvents = channel('legacy.events', {
  groups: ['x'],
  messages: { CREATED: z.object({ id: z.number() }), DELETED: z.object({ id: z.number() }) },
  typeOf: (_value, headers) => headers['x-event-type'] ?? 'CREATED',
})

export async function foreign() {
  await using messaging = await connect({
    connections: { main: { driver: 'rabbitmq', url: { env: 'AMQP_URL' } } },
    channels: {
      'legacy.invoices': {
        connection: 'main',
        provision: 'none',
        address: 'inv.exchange',
        groups: { ledger: { address: 'inv.q.ledger', deadLetterAddress: 'inv.q.ledger.err' } },
      },
      '*': 'main',
    },
  })
  await messaging.consume(
    legacyInvoice,
    { group: 'ledger', idempotency: { store, key: (message) => message.data.INVOICE_NO } },
    async (invoice) => {
      invoice.AMT.toFixed()
    },
  )
  await messaging.consume(
    legacyEvents,
    { group: 'x' },
    {
      CREATED: async (event) => {
        event.id
      },
      DELETED: 'ignore',
    },
  )
}
