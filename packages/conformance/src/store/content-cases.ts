import { equal } from 'node:assert/strict'
import type { StoreCase } from './store-case.ts'
import { leaseMs } from './store-under-test.ts'

export const contentCases: readonly StoreCase[] = [
  [
    'IDS-30',
    'the same key with another content is a conflict once completed',
    async (probe) => {
      await probe.complete({ fingerprint: 'a' })
      await probe.expect('conflict', { fingerprint: 'b' })
      await probe.expect('completed', { fingerprint: 'a' })
    },
  ],
  [
    'IDS-31',
    'the same key with another content is a conflict while held',
    async (probe) => {
      await probe.acquire({ fingerprint: 'a' })
      await probe.expect('conflict', { fingerprint: 'b' })
      await probe.expectBusy(leaseMs, { fingerprint: 'a' })
    },
  ],
  [
    'IDS-32',
    'a conflict does not disturb the holder',
    async (probe) => {
      const holder = await probe.acquire({ fingerprint: 'a' })
      await probe.expect('conflict', { fingerprint: 'b' })
      equal(await probe.store.renew(holder, leaseMs), true)
      equal(await probe.store.complete(holder), true)
    },
  ],
  [
    'IDS-33',
    'an empty fingerprint is not compared, on either side',
    async (probe) => {
      await probe.complete({ key: 'with', fingerprint: 'a' })
      await probe.expect('completed', { key: 'with', fingerprint: '' })
      await probe.complete({ key: 'without', fingerprint: '' })
      await probe.expect('completed', { key: 'without', fingerprint: 'b' })
    },
  ],
  [
    'IDS-34',
    'a released key, and one whose lease ended, are free for another content',
    async (probe) => {
      const holder = await probe.acquire({ fingerprint: 'a' })
      await probe.store.release(holder)
      await probe.acquire({ fingerprint: 'b' })
      await probe.pass(leaseMs * 1.1)
      await probe.complete({ fingerprint: 'c' })
      await probe.expect('conflict', { fingerprint: 'b' })
      await probe.expect('completed', { fingerprint: 'c' })
    },
  ],
]
