import { channel, type HandlerContext, type Messaging, retryLater } from '@waybill/core'
import { z } from 'zod'
import { orderPlaced } from './channels.ts'
import { db, inbox, outbox, type Transaction } from './surroundings.ts'

interface State {
  orderId: string
  status: 'waiting' | 'paid' | 'cancelled'
  revision: number
}

const paymentTaken = channel('payments.taken', { schema: z.object({ orderId: z.string() }), groups: ['order-saga'] })
const orderTimeout = channel('orders.timeout', { schema: z.object({ orderId: z.string() }), groups: ['order-saga'] })
const cancelOrder = channel('orders.cancel', { schema: z.object({ orderId: z.string() }), groups: ['orders'] })
const ordersForSaga = orderPlaced.withGroups('order-saga')

type Next = (state: State | undefined, transaction: Transaction) => Promise<State | undefined>

function step(context: HandlerContext, orderId: string, next: Next): Promise<void> {
  return db.transaction(async (transaction) => {
    if (!(await inbox.firstTime(transaction, context))) return
    const state = await transaction.one<State | undefined>('select * from saga where id = ?', orderId)
    const after = await next(state, transaction)
    if (after && (await transaction.run('upsert saga … where revision = ?', state?.revision ?? 0)) === 0) {
      throw new Error('changed by another: retry')
    }
  })
}

export async function saga(messaging: Messaging) {
  const group = 'order-saga' as const
  await messaging.consume(ordersForSaga, { group }, async ({ orderId }, context) => {
    const timeout = await context.prepare(orderTimeout, { orderId }, { deliverAt: new Date(Date.now() + 15 * 60_000) })
    await step(context, orderId, async (state, transaction) => {
      if (state) return
      await outbox.add(transaction, timeout)
      return { orderId, status: 'waiting', revision: 1 }
    })
  })
  await messaging.consume(paymentTaken, { group }, ({ orderId }, context) =>
    step(context, orderId, async (state) => {
      if (!state) retryLater(1_000)
      return { ...state, status: 'paid', revision: state.revision + 1 }
    }),
  )
  await messaging.consume(orderTimeout, { group }, async ({ orderId }, context) => {
    const cancel = await context.prepare(cancelOrder, { orderId })
    await step(context, orderId, async (state, transaction) => {
      if (state?.status !== 'waiting') return
      await outbox.add(transaction, cancel)
      return { ...state, status: 'cancelled', revision: state.revision + 1 }
    })
  })
}
