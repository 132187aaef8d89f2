import { deepEqual, ok } from 'node:assert/strict'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit } from '../../kit.ts'
import type { Messaging } from '@waybill/core'

export const group = 'billing'

/** As many connections as may be members of one group, at most `wanted`. */
export async function members(kit: Kit, wanted: number): Promise<readonly Messaging[]> {
  const count = Math.min(wanted, kit.capabilities.membersPerGroup)
  return Promise.all(Array.from({ length: count }, () => kit.connect()))
}

/** Each key's numbers, in the order in which they were first handled, ascend. */
export function expectOrder(runs: DeliveryRecord<Item>, of: string = 'handled'): void {
  for (const [key, items] of runs.inOrder(({ data }) => data.key)) {
    const numbers = [...new Set(items.map(({ n }) => n))]
    deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
      `the order in which ${key} was ${of}`,
    )
  }
}

/** No two runs of one key overlap. */
export function expectOneAtATime(runs: DeliveryRecord<Item>): void {
  const most = runs.maxConcurrent(({ data }) => data.key)
  ok(most <= 1, `${most} runs of one key at a time`)
}

/** Sends in pieces, one after the other, so that they are spread over time. */
export async function sendSlowly(
  kit: Kit,
  messaging: Messaging,
  orders: ItemChannel,
  data: readonly Item[],
  { pieces, everyMs }: { readonly pieces: number; readonly everyMs: number },
): Promise<readonly string[]> {
  const ids: string[] = []
  const size = Math.ceil(data.length / pieces)
  for (let at = 0; at < data.length; at += size) {
    ids.push(...(await sendItems(messaging, orders, data.slice(at, at + size))))
    await kit.sleep(everyMs)
  }
  return ids
}
