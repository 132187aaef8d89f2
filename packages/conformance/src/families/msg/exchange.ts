import type { Channel, Handler, Message, SendOptions } from '@waybill/core'
import type { DeliveryRecord, Run } from '../../delivery-record.ts'
import type { Kit } from '../../kit.ts'
import type { ProbeMessage } from '../../probe.ts'

/** Two groups get a copy each: one is handled by a consumer, the other is left to an independent client. */
export const groups = ['billing', 'audit'] as const

export type FidelityChannel<D> = Channel<{
  send: D
  message: Message<D>
  group: (typeof groups)[number]
  handler: Handler<D>
  reply: undefined
}>

/** One message as its sender, its consumer and an independent client saw it. */
export interface Passage<D> {
  readonly id: string
  readonly run: Run<D>
  readonly wire: ProbeMessage
}

export interface Sending<D> {
  readonly data: D
  readonly options?: SendOptions
}

/** Sends all of it and answers how each arrived, in the order sent. */
export async function pass<D>(
  kit: Kit,
  channel: FidelityChannel<D>,
  sends: readonly Sending<D>[],
): Promise<Passage<D>[]> {
  const messaging = await kit.connect()
  const record: DeliveryRecord<D> = kit.record('billing')
  await messaging.consume(channel, { group: 'billing' }, record.handler())
  const receipts = await Promise.all(sends.map(({ data, options }) => messaging.send(channel, data, options)))
  const ids = receipts.map(({ id }) => id)
  await record.untilDone(ids)
  record.expectOnce(ids)
  const found = await kit.probe.extract({ channel: channel.name, group: 'audit' })
  return ids.map((id) => ({
    id,
    run: only(record.of(id)),
    wire: only(found.filter((each) => each.attributes.id === id)),
  }))
}

export function only<T>(items: readonly T[]): T {
  if (items.length !== 1) throw new Error(`expected one, there are ${items.length}`)
  return items[0] as T
}

/** What the application put there, without what the core adds under its own prefix. */
export function ownHeaders(headers: { readonly [name: string]: string | undefined }): [string, string | undefined][] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith('waybill-'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
