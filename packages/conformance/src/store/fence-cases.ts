import { equal, ok } from 'node:assert/strict'
import type { StoreCase } from './store-case.ts'
import { leaseMs, type StoreProbe } from './store-under-test.ts'

export const fenceCases: readonly StoreCase[] = [
  [
    'IDS-13',
    'the fence grows with each takeover',
    async (probe) => {
      const { old, present } = await takenOver(probe)
      ok(present.fence > old.fence, `${present.fence} after ${old.fence}`)
    },
  ],
  [
    'IDS-14',
    'the fence grows after a release',
    async (probe) => {
      const old = await probe.acquire()
      await probe.store.release(old)
      const present = await probe.acquire()
      ok(present.fence > old.fence, `${present.fence} after ${old.fence}`)
    },
  ],
  [
    'IDS-15',
    'who lost the claim cannot complete it',
    async (probe) => {
      const { old } = await takenOver(probe)
      equal(await probe.store.complete(old), false)
      await probe.expectBusy(leaseMs)
    },
  ],
  [
    'IDS-16',
    'who lost the claim cannot renew it',
    async (probe) => {
      const { old } = await takenOver(probe)
      equal(await probe.store.renew(old, leaseMs * 60), false)
      await probe.expectBusy(leaseMs)
    },
  ],
  [
    'IDS-17',
    'who lost the claim cannot release it',
    async (probe) => {
      const { old } = await takenOver(probe)
      equal(await probe.store.release(old), false)
      await probe.expectBusy(leaseMs)
    },
  ],
  [
    'IDS-18',
    'the present holder keeps all rights after the old one tried everything',
    async (probe) => {
      const { old, present } = await takenOver(probe)
      await probe.expectPowerless(old)
      equal(await probe.store.renew(present, leaseMs), true)
      equal(await probe.store.complete(present), true)
      await probe.expect('completed')
    },
  ],
  [
    'IDS-19',
    'old and present holder complete at once: only the present one does',
    async (probe) => {
      const { old, present } = await takenOver(probe)
      const answers = await Promise.all([old, present, old].map((holder) => probe.store.complete(holder)))
      equal(answers.join(), 'false,true,false')
    },
  ],
  [
    'IDS-20',
    'a lease that ended, with nobody taking over, can still be completed',
    async (probe) => {
      const holder = await probe.acquire()
      await probe.pass(leaseMs * 1.1)
      equal(await probe.store.complete(holder), true)
      await probe.expect('completed')
    },
  ],
  [
    'IDS-21',
    'a key that nobody claimed has no holder',
    async (probe) => {
      await probe.expectPowerless({ scope: 'orders/billing', key: 'k1', fence: 1 })
      await probe.acquire()
    },
  ],
  [
    'IDS-22',
    'a fence that was never given has no power, whether higher or lower',
    async (probe) => {
      const holder = await probe.acquire()
      await probe.expectPowerless({ ...holder, fence: holder.fence + 1 })
      await probe.expectPowerless({ ...holder, fence: holder.fence - 1 })
      equal(await probe.store.complete(holder), true)
    },
  ],
  [
    'IDS-23',
    'what is completed is neither renewed nor released',
    async (probe) => {
      const holder = await probe.complete()
      equal(await probe.store.renew(holder, leaseMs), false)
      equal(await probe.store.release(holder), false)
      await probe.expect('completed')
    },
  ],
  [
    'IDS-24',
    'who released has no power over the key any more',
    async (probe) => {
      const holder = await probe.acquire()
      await probe.store.release(holder)
      await probe.expectPowerless(holder)
      const next = await probe.acquire()
      await probe.expectPowerless(holder)
      equal(await probe.store.complete(next), true)
    },
  ],
]

async function takenOver(probe: StoreProbe) {
  const old = await probe.acquire()
  await probe.pass(leaseMs * 1.1)
  return { old, present: await probe.acquire() }
}
