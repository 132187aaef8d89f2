import { equal } from 'node:assert/strict'
import type { StoreCase } from './store-case.ts'
import { leaseMs } from './store-under-test.ts'

/** Distinct as strings, alike to whoever folds case, trims, normalises, escapes or matches patterns. */
const alike = [
  'Key',
  'key',
  'key ',
  ' key',
  'k%y',
  'k_y',
  'k*y',
  'key%20',
  'caf\u00e9',
  'cafe\u0301',
  '🚚',
  '🚛',
  '__proto__',
  'constructor',
  'toString',
  "'; DROP TABLE claims; --",
  '"',
  '\\',
  '\\\\',
  'a:b',
  'a/b',
  '0',
  '00',
  'null',
  'undefined',
]

export const keyCases: readonly StoreCase[] = [
  [
    'IDS-35',
    'the same key may be handled once in each scope',
    async (probe) => {
      await probe.complete({ scope: 'orders/billing' })
      await probe.complete({ scope: 'orders/shipping' })
      await probe.expect('completed', { scope: 'orders/billing' })
    },
  ],
  [
    'IDS-36',
    'a holder in one scope has no power in another',
    async (probe) => {
      const here = await probe.acquire({ scope: 'here' })
      const there = await probe.acquire({ scope: 'there' })
      if (here.fence !== there.fence) await probe.expectPowerless({ ...here, scope: 'there' })
      equal(await probe.store.release(here), true)
      await probe.expectBusy(leaseMs, { scope: 'there' })
    },
  ],
  [
    'IDS-37',
    'scope and key do not run into each other',
    async (probe) => {
      const pairs = [
        ['a', 'bc'],
        ['ab', 'c'],
        ['a:b', 'c'],
        ['a', 'b:c'],
        ['a/b', 'c'],
        ['a', 'b/c'],
        ['a|b', 'c'],
        ['a', 'b|c'],
      ] as const
      for (const [scope, key] of pairs) await probe.complete({ scope, key })
    },
  ],
  [
    'IDS-38',
    'keys and scopes are compared as they are: case, spaces, accents, wildcards, quotes, prototype names',
    async (probe) => {
      for (const key of alike) await probe.complete({ key })
      for (const key of alike) await probe.expect('completed', { key })
      for (const scope of alike) await probe.complete({ scope, key: 'same' })
    },
  ],
  [
    'IDS-39',
    'long keys count to their last character',
    async (probe) => {
      const long = 'k'.repeat(1000)
      await probe.complete({ key: `${long}a` })
      await probe.complete({ key: `${long}b` })
      await probe.complete({ key: long })
      await probe.expect('completed', { key: `${long}b` })
    },
  ],
  [
    'IDS-40',
    'an empty key, an empty scope and a lease of no time are refused and leave nothing behind',
    async (probe) => {
      await probe.expectRefused({ key: '' })
      await probe.expectRefused({ scope: '' })
      for (const none of [0, -1, Number.NaN]) await probe.expectRefused({ leaseMs: none })
      await probe.acquire()
    },
  ],
]
