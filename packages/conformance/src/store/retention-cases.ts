import { equal, ok } from 'node:assert/strict'
import type { StoreCase } from './store-case.ts'
import { leaseMs, retentionMs } from './store-under-test.ts'

export const retentionCases: readonly StoreCase[] = [
  ['IDS-25', 'the retention is the one asked for', async ({ store }) => equal(store.retentionMs, retentionMs)],
  [
    'IDS-26',
    'a completed key outlives its lease',
    async (probe) => {
      await probe.complete()
      await probe.pass(leaseMs * 1.5)
      await probe.expect('completed')
    },
  ],
  [
    'IDS-27',
    'retention counts from completion, not from the claim',
    async (probe) => {
      const holder = await probe.acquire({ leaseMs: retentionMs })
      await probe.pass(retentionMs * 0.7)
      equal(await probe.store.complete(holder), true)
      await probe.pass(retentionMs * 0.7)
      await probe.expect('completed')
    },
  ],
  [
    'IDS-28',
    'after the retention the key is as new, with a higher fence',
    async (probe) => {
      const old = await probe.complete()
      await probe.pass(retentionMs * 1.1)
      const present = await probe.acquire()
      ok(present.fence > old.fence, `${present.fence} after ${old.fence}`)
      await probe.expectPowerless(old)
    },
  ],
  [
    'IDS-29',
    'asking does not prolong the retention',
    async (probe) => {
      await probe.complete()
      await probe.pass(retentionMs * 0.6)
      await probe.expect('completed')
      await probe.pass(retentionMs * 0.5)
      await probe.acquire()
    },
  ],
]
