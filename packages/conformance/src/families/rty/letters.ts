import { deepEqual, ok } from 'node:assert/strict'
import type { RetryPolicy } from '@waybill/core'
import type { Capabilities } from '@waybill/core/driver'
import { canDelay } from '../../allowed-retries.ts'
import type { Behaviour, Needs } from '../../behaviour.ts'
import type { Kit } from '../../kit.ts'
import type { GroupAddress, ProbeMessage } from '../../probe.ts'

const prefix = 'waybill-failure-'

/** The dead letters of a group, once there are at least `count`. */
export function untilDeadLetters(
  kit: Kit,
  { channel, group }: GroupAddress,
  count: number,
  withinMs = kit.timings.arriveMs,
): Promise<readonly ProbeMessage[]> {
  const look = async (): Promise<readonly ProbeMessage[] | undefined> => {
    const letters = await kit.probe.readDeadLetters(channel, group)
    if (letters.length < count) throw new Error(`${letters.length} so far`)
    return letters
  }
  return kit.eventually(`${count} dead letters of ${group}`, look, withinMs)
}

/** Nothing (or as many as `left`) waits to be delivered, and nothing is out unsettled. */
export async function untilEmpty(kit: Kit, at: GroupAddress, left = 0): Promise<void> {
  const look = async (): Promise<true> => {
    const [ready, unsettled] = [await kit.probe.depth(at), await kit.probe.unsettled(at)]
    if (ready > left || unsettled > 0) throw new Error(`${ready} wait, ${unsettled} are unsettled`)
    return true
  }
  await kit.eventually(`nothing is left of ${at.group}`, look)
}

/** The failure record as it stands on the wire, by its plain names: `type`, `attempts`, `first-at`, … */
export function recordOn({ headers }: ProbeMessage): { readonly [name: string]: string } {
  const own = Object.entries(headers).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]))
}

/** Bytes of names and values of the record. */
export function recordBytes({ headers }: ProbeMessage): number {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith(prefix))
    .reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
}

export const idOf = ({ attributes }: ProbeMessage): string | undefined => attributes.id

/** How much later than asked the broker's own steps make a delay. */
export function granularityMs({ retryInPlace, delayedSend }: Capabilities): number {
  return retryInPlace?.granularityMs ?? delayedSend?.granularityMs ?? 0
}

/** Longest time that all attempts of one message may take. */
export function allAttemptsMs(kit: Kit, { maxAttempts, delaysMs }: RetryPolicy): number {
  const longestMs = Math.max(0, ...delaysMs) + granularityMs(kit.capabilities)
  return kit.timings.arriveMs + (maxAttempts - 1) * (longestMs + kit.timings.toleranceMs)
}

/** For cases that retry messages without an order. Where a broker cannot, asking for it is refused. */
export const retries = {
  name: 'retryInPlace, delayedSend.toGroupMs or delayLanes',
  declared: canDelay,
} satisfies Needs['capability']

export const refusesRetries: NonNullable<Behaviour['refusal']> = async (kit) => {
  const messaging = await kit.connect()
  const retry = { maxAttempts: 2, delaysMs: [200] }
  const consuming = messaging.consume(kit.channel(['billing']), { group: 'billing', retry }, async () => {})
  await kit.expectUnsupported(consuming)
}

/** For cases about messages of one key. */
export const ordered = {
  name: 'order',
  declared: ({ order }) => order !== 'none',
} satisfies Needs['capability']

export const refusesOrder: NonNullable<Behaviour['refusal']> = async (kit) => {
  const messaging = await kit.connect()
  const orders = kit.channel(['billing'], { ordering: 'key' })
  await kit.expectUnsupported(messaging.consume(orders, { group: 'billing' }, async () => {}))
}

/** Exact where the core counts; where the broker counts deliveries, releases may be among them. */
export function expectAttempts({ capabilities }: Kit, found: readonly number[], expected: readonly number[]): void {
  if (capabilities.retryInPlace === undefined) return deepEqual(found, expected)
  const ascending = found.every((attempt, index) => index === 0 || attempt >= (found[index - 1] as number))
  const isEnough = (found.at(-1) as number) >= (expected.at(-1) as number)
  ok(found.length === expected.length && ascending && isEnough, `attempts ${found}, at least ${expected}`)
}
