import { deepEqual, ok } from 'node:assert/strict'
import type { Kit } from '../../kit.ts'
import type { GroupAddress } from '../../probe.ts'

interface Counts {
  readonly ready: number
  readonly unsettled: number
}

/**
 * The broker comes to count `ready` waiting and `unsettled` delivered messages, and stays with it.
 *
 * Brokers that settle by prefix count positions, not messages; of those only the core's side can be asserted.
 */
export async function restsAt(kit: Kit, at: GroupAddress, { ready, unsettled }: Counts): Promise<void> {
  if (kit.capabilities.settlement === 'cumulative') return
  const look = async (): Promise<true> => {
    deepEqual({ ready: await kit.probe.depth(at), unsettled: await kit.probe.unsettled(at) }, { ready, unsettled })
    return true
  }
  await kit.eventually(`the broker has ${ready} waiting and ${unsettled} unsettled`, look)
  await kit.sleep(kit.timings.quietMs)
  await look()
}

/** As `restsAt`, where only a limit is promised of what is unsettled; `count` are there in all. */
export async function holdsAtMost(kit: Kit, at: GroupAddress, most: number, count: number): Promise<void> {
  // Nobody can ask the broker; what is on its way has come by then, for the case to count at the driver.
  if (kit.capabilities.settlement === 'cumulative') return kit.sleep(kit.timings.quietMs)
  const look = async (): Promise<true> => {
    const [ready, unsettled] = [await kit.probe.depth(at), await kit.probe.unsettled(at)]
    ok(unsettled <= most, `${unsettled} are unsettled at the broker`)
    ok(ready + unsettled === count, `${ready} wait and ${unsettled} are unsettled, of ${count}`)
    return true
  }
  await kit.eventually(`at most ${most} of ${count} are unsettled`, look)
  await kit.sleep(kit.timings.quietMs)
  await look()
}

/** Whether what was only given back has a higher attempt the next time: where attempts are the broker's count. */
export function countsReleases({ capabilities: { retryInPlace, deliveries } }: Kit): boolean {
  return retryInPlace !== undefined && deliveries === 'includesReleases'
}
