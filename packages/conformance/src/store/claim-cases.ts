import { equal, ok } from 'node:assert/strict'
import type { StoreCase } from './store-case.ts'
import { leaseMs } from './store-under-test.ts'

export const claimCases: readonly StoreCase[] = [
  [
    'IDS-01',
    'the first claim acquires, with a whole number as fence',
    async (probe) => {
      const { fence } = await probe.acquire()
      ok(Number.isSafeInteger(fence), `fence ${fence}`)
    },
  ],
  [
    'IDS-02',
    'a second claim is busy, and says for how long at most',
    async (probe) => {
      await probe.acquire()
      await probe.expectBusy(leaseMs)
    },
  ],
  [
    'IDS-03',
    'a completed key is completed for every later claim',
    async (probe) => {
      await probe.complete()
      await probe.expect('completed')
      await probe.expect('completed')
    },
  ],
  [
    'IDS-04',
    'a released key can be claimed at once',
    async (probe) => {
      const holder = await probe.acquire()
      equal(await probe.store.release(holder), true)
      await probe.acquire()
    },
  ],
  [
    'IDS-05',
    'a lease that ended lets the next claim take over',
    async (probe) => {
      await probe.acquire()
      await probe.pass(leaseMs * 1.1)
      await probe.acquire()
    },
  ],
  [
    'IDS-06',
    'nobody takes over before the lease ends',
    async (probe) => {
      await probe.acquire()
      await probe.pass(leaseMs * 0.5)
      await probe.expectBusy(leaseMs * 0.5)
    },
  ],
  [
    'IDS-07',
    'each claim has the lease it asked for',
    async (probe) => {
      await probe.acquire({ key: 'short', leaseMs: leaseMs / 2 })
      await probe.acquire({ key: 'long', leaseMs: leaseMs * 60 })
      await probe.pass(leaseMs * 0.7)
      await probe.acquire({ key: 'short' })
      await probe.expectBusy(leaseMs * 60, { key: 'long' })
    },
  ],
  [
    'IDS-08',
    'renewing counts from now',
    async (probe) => {
      const holder = await probe.acquire()
      await probe.pass(leaseMs * 0.6)
      equal(await probe.store.renew(holder, leaseMs), true)
      await probe.pass(leaseMs * 0.6)
      await probe.expectBusy(leaseMs * 0.4)
    },
  ],
  [
    'IDS-09',
    'a renewed lease ends too',
    async (probe) => {
      const holder = await probe.acquire()
      equal(await probe.store.renew(holder, leaseMs / 2), true)
      await probe.pass(leaseMs * 0.7)
      await probe.acquire()
    },
  ],
  [
    'IDS-10',
    'of many claims at once exactly one acquires; the others are busy',
    async (probe) => {
      const claims = await Promise.all(Array.from({ length: 50 }, () => probe.claim()))
      equal(claims.filter((claim) => claim.outcome === 'acquired').length, 1)
      equal(claims.filter((claim) => claim.outcome === 'busy').length, 49)
    },
  ],
  [
    'IDS-11',
    'of many claims at once exactly one takes over',
    async (probe) => {
      await probe.acquire()
      await probe.pass(leaseMs * 1.1)
      const claims = await Promise.all(Array.from({ length: 50 }, () => probe.claim()))
      equal(claims.filter((claim) => claim.outcome === 'acquired').length, 1)
    },
  ],
  [
    'IDS-12',
    'many keys at once do not hinder each other',
    async (probe) => {
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`)
      await Promise.all(keys.map((key) => probe.complete({ key })))
      await Promise.all(keys.map((key) => probe.expect('completed', { key })))
    },
  ],
]
