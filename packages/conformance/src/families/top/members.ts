import type { CapabilityNeed } from '../../behaviour.ts'
import { items, sendItems, type Item } from '../../item.ts'
import type { Kit } from '../../kit.ts'

const group = 'billing'
const once = { maxAttempts: 1, delaysMs: [] }

/** For cases in which several consumers share a group. */
export const severalMembers: CapabilityNeed = {
  name: 'membersPerGroup',
  declared: ({ membersPerGroup }) => membersPerGroup >= 3,
}

/** Where a group has room for fewer, the one too many is told, and the others go on. */
export async function expectOneMember(kit: Kit): Promise<void> {
  const orders = kit.channel([group])
  const runs = kit.record<Item>(group)
  for (let member = 1; member <= kit.capabilities.membersPerGroup; member++) {
    await (await kit.connect()).consume(orders, { group, retry: once }, runs.handler())
  }
  const messaging = await kit.connect()
  await kit.expectUnsupported(messaging.consume(orders, { group, retry: once }, runs.handler()))
  const ids = await sendItems(messaging, orders, items(10))
  await runs.untilDone(ids)
}
