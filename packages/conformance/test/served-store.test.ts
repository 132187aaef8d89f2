import { ManualClock } from '@waybill/core/driver'
import { describe, test } from 'vitest'
import { memoryIdempotencyStore } from '@waybill/core'
import { remoteStore } from '../src/remote-store.ts'
import { serveStore } from '../src/served-store.ts'
import { idempotencyStoreCases } from '../src/store.ts'

const cases = idempotencyStoreCases(async ({ retentionMs }) => {
  const clock = new ManualClock()
  const served = await serveStore({ store: memoryIdempotencyStore({ retentionMs, clock }) })
  return {
    store: remoteStore({ url: served.url, retentionMs, caller: 'test' }),
    advance: async (ms) => clock.advance(ms),
    close: () => served.close(),
  }
})

describe('a store in another process', () => {
  test.each(cases.map(({ id, title, run }) => [id, title, run] as const))('%s %s', async (_id, _title, run) => run())
})
