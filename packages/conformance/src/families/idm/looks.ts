import type { Kit } from '../../kit.ts'
import { group } from '../rdr/dead-messages.ts'
import { granularityMs, untilEmpty } from '../rty/letters.ts'

/** The core looks again at least so often at what another holds. */
export const longestLookMs = 1_000

/** Also copies that wait for their next look are gone: what they wait for is over. */
export async function untilEmptyWithin(kit: Kit, channel: string): Promise<void> {
  await kit.sleep(longestLookMs + granularityMs(kit.capabilities))
  await untilEmpty(kit, { channel, group })
}
