import { equal } from 'node:assert/strict'
import { channel, MessagingError } from '@waybill/core'
import type { Behaviour } from '../../behaviour.ts'
import type { DeliveryRecord } from '../../delivery-record.ts'
import { item, itemChannel, itemSchema, type Item } from '../../item.ts'
import { refusesRetries, retries } from '../rty/letters.ts'

const alphabet = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz', '0123456789']
const longestName = 200

/** Names are ours to choose, within an alphabet that is the same everywhere. */
export const names: readonly Behaviour[] = [
  {
    id: 'TOP-12',
    needs: { capability: retries },
    deadlineMs: 60_000,
    async run(kit) {
      const base = kit.name('n')
      const longest = Math.min(longestName, kit.capabilities.maxNameLength)
      const fill = (start: string): string => start.padEnd(longest, 'x')
      const sites: (readonly [name: string, group: string])[] = [
        [`${base}${alphabet.join('.')}`.slice(0, longest), alphabet.join('-').slice(0, longest)],
        [`${base}_.-_.-_`, '_.-_.-_'],
        [`${base}.a.b`, 'c'],
        [`${base}.a`, 'b.c'],
        [`${base}.a-b`, 'c'],
        [`${base}.a_b`, 'c'],
        [`${base}.A`, 'b.c'],
        [`${base}.a`, 'B.c'],
        [`${base}.2E`, '2E'],
        [`_${base}_`, '__proto__'],
        [`0${base}`, '0'],
        [fill(base), fill('g')],
      ]
      const messaging = await kit.connect()
      const groupsOf = (name: string): string[] => sites.flatMap(([other, group]) => (other === name ? [group] : []))
      const records = new Map<string, DeliveryRecord<Item>[]>()
      for (const [name, group] of sites) {
        const runs = kit.record<Item>(`${name} ${group}`)
        const consume = { group, retry: { maxAttempts: 2, delaysMs: [50] } }
        await messaging.consume(itemChannel(name, groupsOf(name)), consume, runs.handler())
        records.set(name, [...(records.get(name) ?? []), runs])
      }
      const sent = new Map<string, string>()
      for (const name of records.keys()) {
        const { id } = await messaging.send(itemChannel(name, groupsOf(name)), item())
        sent.set(name, id)
      }
      for (const [name, each] of records) for (const runs of each) await runs.untilDone([sent.get(name) ?? ''])
      for (const [name, each] of records) for (const runs of each) runs.expectOnce([sent.get(name) ?? ''])
      for (const [channel, group] of sites) equal(await kit.probe.depth({ channel, group }), 0, `${channel} ${group}`)
    },
    refusal: refusesRetries,
  },
  {
    id: 'TOP-12',
    part: 'refused',
    async run(kit) {
      const base = kit.name('n')
      const bad = [
        ...['', '.', '-', '..', ' ', `${base} x`, ` ${base}`, `${base}.`, `.${base}`, `-${base}`, `${base}-`],
        ...[`${base}..x`, `${base}/x`, `${base}\\x`, `${base}*`, `${base}#`, `${base}+`, `${base}>x`, `${base}:x`],
        ...[`${base}\0`, `${base}\n`, `${base}\r\nx`, `${base}ä`, `${base}😀`, `${base}%2F`, `${base},x`, `$${base}`],
        'x'.repeat(longestName + 1),
      ]
      for (const name of bad) {
        for (const make of [
          () => channel(name, { schema: itemSchema, groups: ['billing'] }),
          () => channel(base, { schema: itemSchema, groups: [name] }),
          () => channel(base, { schema: itemSchema, groups: [] }).withGroups(name),
        ]) {
          await kit.expectRejection('invalidArgument', refusalOf(make))
        }
      }
      const { maxNameLength } = kit.capabilities
      if (maxNameLength >= longestName) return
      const messaging = await kit.connect()
      const tooLong = base.padEnd(maxNameLength + 1, 'x')
      await kit.expectUnsupported(messaging.producer(itemChannel(tooLong, ['billing'])))
      await kit.expectUnsupported(messaging.producer(itemChannel(base, ['g'.padEnd(maxNameLength + 1, 'x')])))
    },
  },
]

/** What `make` throws, as a rejection. */
async function refusalOf(make: () => unknown): Promise<unknown> {
  try {
    return make()
  } catch (error) {
    if (!MessagingError.is(error)) throw new Error(`not a MessagingError: ${error}`)
    throw error
  }
}
