import type { Messaging } from '@waybill/core'
import { sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import { untilDeadLetters } from '../rty/letters.ts'

export const group = 'billing' as const
export const once = { maxAttempts: 1, delaysMs: [] }

/** Items sent and given up by `group` at their first failure; its consumer is closed again. Gives their ids. */
export async function deadItems<G extends string>(
  kit: Kit,
  messaging: Messaging,
  orders: ItemChannel<G | 'billing'>,
  data: readonly Item[],
  options: Parameters<typeof sendItems>[3] = {},
): Promise<readonly string[]> {
  const failing = await messaging.consume(orders, { group, retry: once }, async ({ n }) => {
    throw new RangeError(`planted for item ${n}`)
  })
  const ids = await sendItems(messaging, orders, data, options)
  const patienceMs = kit.timings.arriveMs + data.length * 10
  await kit.eventually('all are dead', async () => (await deadDepth(kit, orders.name)) >= ids.length, patienceMs)
  await failing.close()
  return ids
}

/** How many dead letters wait. */
export function deadDepth(kit: Kit, name: string): Promise<number> {
  return kit.probe.depth({ channel: name, group, lane: 'dead' })
}

/** The ids of the dead letters that the probe finds, sorted. */
export async function deadIds(kit: Kit, name: string): Promise<readonly (string | undefined)[]> {
  const letters = await untilDeadLetters(kit, { channel: name, group }, 0)
  return letters.map(({ attributes }) => attributes.id).sort()
}
