import type { Messaging } from '@waybill/core'
import { orderPlaced, orders } from './channels.ts'

export async function admin(messaging: Messaging) {
  const letters = messaging.deadLetters(orderPlaced, 'billing')
  for await (const letter of letters.list({ limit: 20 })) {
    console.log(letter.message.id, letter.failure?.message, letter.failure?.attempts)
  }
  const letter = await letters.get('018f')
  if (letter) {
    const order = await letter.decode()
    await letters.replace(letter.message.id, { ...order, totalCents: 0 })
  }
  await letters.redrive({ where: ({ failure }) => failure?.type === 'TimeoutError' })
  await letters.discard({ ids: ['018f'] })
  // @ts-expect-error which ones?
  await letters.discard()
  // @ts-expect-error no group of that channel
  messaging.deadLetters(orderPlaced, 'biling')
  // @ts-expect-error dead letters are discarded, messages are not
  await messaging.discard
}

export async function severalTypes(messaging: Messaging) {
  const letters = messaging.deadLetters(orders, 'billing')
  const letter = await letters.get('1')
  if (letter?.message.type === 'order.placed') {
    const data = await letter.decode()
    data.orderId
  }
  if (letter) {
    const data = await letter.decode()
    await letters.replace('1', { type: 'order.cancelled', data: { orderId: data.orderId, reason: '' } })
  }
}
