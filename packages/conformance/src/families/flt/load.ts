import { deepEqual, equal } from 'node:assert/strict'
import type { Messaging } from '@waybill/core'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { item, sendItems, type Item, type ItemChannel } from '../../item.ts'
import type { Kit, KitConnectOptions } from '../../kit.ts'

export const group = 'billing'

export interface Load {
  readonly messaging: Messaging
  readonly record: DeliveryRecord<Item>
  readonly channel: ItemChannel<typeof group>
  /** Resolves once that many more messages were handled than now. */
  progress(count: number): Promise<void>
}

export interface LoadOptions {
  /** Messages to send at least; sending goes on as long as it is disturbed. */
  readonly count: number
  readonly connect?: KitConnectOptions
}

const senders = 20

/**
 * Sends and consumes without a pause while `disturb` does its worst, then looks at the whole record: every send
 * resolved, nothing lost, nothing foreign, nothing left over, quiet in the end. Duplicates are counted and logged.
 */
export async function underLoad(
  kit: Kit,
  { count, connect = {} }: LoadOptions,
  disturb: (load: Load) => Promise<void>,
): Promise<Load & { readonly ids: readonly string[]; readonly duplicates: number }> {
  const channel = kit.channel([group])
  const messaging = await kit.connect(connect)
  const record = kit.record<Item>(group)
  const handle = record.handler(() => kit.sleep(2))
  await messaging.consume(channel, { group, concurrency: 16, retry: { maxAttempts: 3, delaysMs: [100] } }, handle)
  const progress = (more: number): Promise<void> => {
    const wanted = new Set(record.done.map(({ id }) => id)).size + more
    const reached = (): boolean =>
      record.done.length >= wanted && new Set(record.done.map(({ id }) => id)).size >= wanted
    return kit
      .eventually(`${more} more messages handled`, reached, kit.timings.recoverMs + kit.timings.arriveMs)
      .then(() => {})
  }
  const load: Load = { messaging, record, channel, progress }
  const sent: string[] = []
  let next = 0
  let disturbed = true
  const send = async (): Promise<void> => {
    while ((disturbed || next < count) && !kit.signal.aborted) {
      const each = item(next++, { key: `k${next % 16}` })
      sent.push((await messaging.send(channel, each, { timeoutMs: 120_000 })).id)
      await kit.sleep(5)
    }
  }
  const sending = Promise.all(Array.from({ length: senders }, send))
  const stop = (): void => void (disturbed = false)
  const settled = disturb(load).then(stop, (error: unknown) => {
    stop()
    throw error
  })
  await Promise.all([settled, sending])
  await record.untilDone(sent, kit.timings.recoverMs + kit.timings.arriveMs)
  const duplicates = record.expectAll(sent)
  kit.log.note(`${sent.length} sent, ${duplicates} handled more than once`)
  await expectNothingLeft(kit, load, sent.length)
  return { ...load, ids: sent, duplicates }
}

async function expectNothingLeft(kit: Kit, { messaging, record, channel }: Load, sent: number): Promise<void> {
  const at = { channel: channel.name, group }
  const isEmpty = async (): Promise<boolean> =>
    (await kit.probe.depth(at)) === 0 && (await kit.probe.unsettled(at)) === 0
  await kit.eventually('all is settled', isEmpty, kit.timings.recoverMs)
  await kit.quiet('no message comes back for good', {
    watch: () => record.runs.length,
    control: async () => record.untilDone(await sendItems(messaging, channel, [item(sent)])),
  })
  deepEqual(await kit.probe.readDeadLetters(channel.name, group), [], 'dead letters')
  equal(messaging.health().status, 'up')
}
