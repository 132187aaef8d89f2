import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../src/driver/manual-clock.ts'
import type { IdempotencyStore } from '../src/idempotency-store.ts'
import { memoryIdempotencyStore } from '../src/memory-idempotency-store.ts'

const claim = (store: IdempotencyStore, key: string, scope = 's') =>
  store.claim({ scope, key, fingerprint: '', leaseMs: 1000 })

async function complete(store: IdempotencyStore, key: string, scope = 's'): Promise<void> {
  const claimed = await claim(store, key, scope)
  if (claimed.outcome !== 'acquired') throw new Error(claimed.outcome)
  await store.complete({ scope, key, fence: claimed.fence })
}

// What every store must do is in packages/conformance/test/memory-idempotency-store.test.ts.
describe('memoryIdempotencyStore', () => {
  test('remembers for a day unless told otherwise', () => {
    expect(memoryIdempotencyStore().retentionMs).toBe(86_400_000)
  })

  test.each([
    [{ retentionMs: 0 }, 'retentionMs'],
    [{ retentionMs: Number.NaN }, 'retentionMs'],
    [{ maxEntries: 0 }, 'maxEntries'],
  ])('refuses %j', (options, name) => {
    expect(() => memoryIdempotencyStore(options)).toThrow(
      expect.objectContaining({ code: 'invalidArgument', message: expect.stringContaining(name) }),
    )
  })

  test('when full, refuses rather than forgets', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, retentionMs: 5000, maxEntries: 3 })
    for (const key of ['a', 'b']) await complete(store, key)
    await claim(store, 'held', 'other')
    await expect(claim(store, 'c')).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
      message: expect.stringContaining('raise maxEntries'),
    })
    expect((await claim(store, 'a')).outcome).toBe('completed')
    expect((await claim(store, 'held', 'other')).outcome).toBe('busy')
    clock.advance(1000)
    expect((await claim(store, 'held', 'other')).outcome).toBe('acquired')
  })

  test('when full, makes room of claims whose holder never came back, and of what has had its time', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, retentionMs: 5000, maxEntries: 2 })
    await claim(store, 'lost')
    await complete(store, 'a')
    clock.advance(1000)
    expect((await claim(store, 'b')).outcome).toBe('acquired')
    clock.advance(4000)
    expect((await claim(store, 'c')).outcome).toBe('acquired')
  })

  test('forgets little by little, however many came and went', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, retentionMs: 100, maxEntries: 250 })
    for (let index = 0; index < 20_000; index++) {
      await complete(store, `key ${index}`, `scope ${index % 3}`)
      clock.advance(1)
    }
    expect((await claim(store, 'key 19999', 'scope 1')).outcome).toBe('completed')
    expect((await claim(store, 'key 19800', 'scope 0')).outcome).toBe('acquired')
  })

  test('a key claimed anew is not forgotten with its former self', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, retentionMs: 100 })
    await complete(store, 'first')
    for (const key of ['x', 'y', 'z']) await complete(store, key)
    clock.advance(100)
    await complete(store, 'z')
    for (const key of ['m', 'n', 'o']) await claim(store, key)
    expect((await claim(store, 'z')).outcome).toBe('completed')
  })
})

describe('a claim', () => {
  const leaseMs = 1_000
  const request = { scope: 's', key: 'k', fingerprint: 'one', leaseMs }
  const storeAt = (clock: ManualClock) => memoryIdempotencyStore({ clock, retentionMs: 5_000 })
  const fenceOf = async (store: IdempotencyStore, of = request): Promise<number> => {
    const claimed = await store.claim(of)
    if (claimed.outcome !== 'acquired') throw new Error(claimed.outcome)
    return claimed.fence
  }

  test.each([
    ['the same content', 'one', 'busy'],
    ['other content', 'two', 'conflict'],
    ['content not to be compared', '', 'busy'],
  ])('held, claimed again with %s', async (_name, fingerprint, outcome) => {
    const store = storeAt(new ManualClock())
    await fenceOf(store)
    expect((await store.claim({ ...request, fingerprint })).outcome).toBe(outcome)
  })

  test('that did not compare its content conflicts with none', async () => {
    const store = storeAt(new ManualClock())
    await fenceOf(store, { ...request, fingerprint: '' })
    expect((await store.claim(request)).outcome).toBe('busy')
  })

  test('says when its lease ends, in whole milliseconds, and ends then', async () => {
    const clock = new ManualClock()
    const store = storeAt(clock)
    clock.advance(10_000)
    await fenceOf(store)
    clock.advance(300.5)
    expect(await store.claim(request)).toEqual({ outcome: 'busy', retryAfterMs: 700 })
    clock.advance(699.5)
    expect((await store.claim(request)).outcome).toBe('acquired')
  })

  test('renewed lasts as long again, from then', async () => {
    const clock = new ManualClock()
    const store = storeAt(clock)
    const fence = await fenceOf(store)
    clock.advance(900)
    expect(await store.renew({ ...request, fence }, 500)).toBe(true)
    clock.advance(499)
    expect(await store.claim(request)).toEqual({ outcome: 'busy', retryAfterMs: 1 })
    clock.advance(1)
    expect(await fenceOf(store)).toBeGreaterThan(fence)
  })

  test('completed is remembered for the retention, with its content, and held by nobody', async () => {
    const clock = new ManualClock()
    const store = storeAt(clock)
    const fence = await fenceOf(store)
    expect(await store.complete({ ...request, fence })).toBe(true)
    for (const method of ['complete', 'release'] as const)
      expect(await store[method]({ ...request, fence })).toBe(false)
    expect(await store.renew({ ...request, fence }, leaseMs)).toBe(false)
    clock.advance(4_999)
    expect((await store.claim(request)).outcome).toBe('completed')
    expect((await store.claim({ ...request, fingerprint: 'two' })).outcome).toBe('conflict')
    clock.advance(1)
    expect((await store.claim(request)).outcome).toBe('acquired')
  })

  test('released is free at once', async () => {
    const store = storeAt(new ManualClock())
    const fence = await fenceOf(store)
    expect(await store.release({ ...request, fence })).toBe(true)
    expect(await store.release({ ...request, fence })).toBe(false)
    expect(await fenceOf(store, { ...request, fingerprint: 'two' })).toBeGreaterThan(fence)
  })

  test.each(['complete', 'release', 'renew'] as const)('taken over: its former holder cannot %s it', async (method) => {
    const clock = new ManualClock()
    const store = storeAt(clock)
    const former = await fenceOf(store)
    clock.advance(leaseMs)
    const present = await fenceOf(store)
    expect(await store[method]({ ...request, fence: former }, leaseMs)).toBe(false)
    expect(await store[method]({ ...request, fence: present }, leaseMs)).toBe(true)
  })

  test.each(['complete', 'release', 'renew'] as const)(
    'of a key or scope that nobody claimed: no %s',
    async (method) => {
      const store = storeAt(new ManualClock())
      const fence = await fenceOf(store)
      expect(await store[method]({ scope: 's', key: 'other', fence }, leaseMs)).toBe(false)
      expect(await store[method]({ scope: 'other', key: 'k', fence }, leaseMs)).toBe(false)
    },
  )

  test.each([
    [{ scope: '' }, 'the scope of a claim must not be empty'],
    [{ scope: undefined as unknown as string }, 'the scope of a claim must not be empty'],
    [{ key: '' }, 'the key of a claim must not be empty'],
    [{ key: 5 as unknown as string }, 'the key of a claim must not be empty'],
    [{ leaseMs: 0 }, 'leaseMs must be a number of milliseconds over 0, not 0'],
    [{ leaseMs: NaN }, 'leaseMs must be a number of milliseconds over 0, not NaN'],
  ])('refuses %j', async (change, what) => {
    const message = `idempotency store: ${what}`
    const store = storeAt(new ManualClock())
    await expect(store.claim({ ...request, ...change })).rejects.toMatchObject({ code: 'invalidArgument', message })
  })

  test('refuses to be renewed for no time', async () => {
    const store = storeAt(new ManualClock())
    const fence = await fenceOf(store)
    await expect(store.renew({ ...request, fence }, 0)).rejects.toMatchObject({ code: 'invalidArgument' })
  })

  test('takes one entry as the most there may be', async () => {
    const store = memoryIdempotencyStore({ clock: new ManualClock(), maxEntries: 1 })
    const fence = await fenceOf(store)
    const text =
      'the memory idempotency store is full (1 keys): raise maxEntries, lower retentionMs, or use a store in a database'
    await expect(store.claim({ ...request, key: 'other' })).rejects.toThrow(text)
    await store.release({ ...request, fence })
    expect(await fenceOf(store, { ...request, key: 'other' })).toBeGreaterThan(fence)
  })

  test('a key claimed again and again is one entry', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 2 })
    for (let time = 0; time < 5; time++) {
      await fenceOf(store)
      clock.advance(leaseMs)
    }
    await fenceOf(store)
    expect(await fenceOf(store, { ...request, key: 'other' })).toBeGreaterThan(0)
  })

  test('what was completed goes in its time, also after all others went', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, retentionMs: 5_000, maxEntries: 1 })
    for (const key of ['a', 'b', 'c', 'd']) {
      const fence = await fenceOf(store, { ...request, key })
      await store.complete({ ...request, key, fence })
      clock.advance(5_000)
    }
  })

  test('what was never given back is looked for once a second', async () => {
    const clock = new ManualClock()
    const store = memoryIdempotencyStore({ clock, maxEntries: 1 })
    await fenceOf(store, { ...request, leaseMs: 300 })
    await expect(store.claim({ ...request, key: 'other' })).rejects.toThrow('full')
    clock.advance(999)
    await expect(store.claim({ ...request, key: 'other' })).rejects.toThrow('full')
    clock.advance(1)
    expect(await fenceOf(store, { ...request, key: 'other' })).toBeGreaterThan(0)
  })

  test('does what a plain table of claims would, whatever is asked in whatever order', async () => {
    const keys = ['a', 'b']
    const step = fc.record({
      what: fc.constantFrom('claim', 'claim', 'complete', 'release', 'renew', 'wait'),
      key: fc.constantFrom(...keys),
      ms: fc.integer({ min: 1, max: 2_500 }),
      stale: fc.boolean(),
    })
    const run = async (steps: readonly { what: string; key: string; ms: number; stale: boolean }[]): Promise<void> => {
      const clock = new ManualClock()
      const store = memoryIdempotencyStore({ clock, retentionMs: 3_000 })
      const table = new Map<string, { fence: number; endsAt: number; completed: boolean }>()
      const fences = new Map<string, number[]>()
      for (const { what, key, ms, stale } of steps) {
        const now = clock.monotonic()
        const known = table.get(key)
        const fence = fences.get(key)?.at(stale ? -2 : -1) ?? 0
        const isHolder = known !== undefined && !known.completed && known.fence === fence
        if (what === 'wait') clock.advance(ms)
        else if (what === 'claim') {
          const isFree = known === undefined || known.endsAt <= now
          const claimed = await store.claim({ scope: 's', key, fingerprint: '', leaseMs: ms })
          expect(claimed.outcome).toBe(isFree ? 'acquired' : known.completed ? 'completed' : 'busy')
          if (claimed.outcome !== 'acquired') continue
          expect(claimed.fence).toBeGreaterThan(Math.max(0, ...[...fences.values()].flat()))
          table.set(key, { fence: claimed.fence, endsAt: now + ms, completed: false })
          fences.set(key, [...(fences.get(key) ?? []), claimed.fence])
        } else {
          const answer = await store[what as 'complete' | 'release' | 'renew']({ scope: 's', key, fence }, ms)
          expect(answer).toBe(isHolder)
          if (!isHolder) continue
          if (what === 'release') table.delete(key)
          else if (what === 'renew') known.endsAt = now + ms
          else table.set(key, { fence, endsAt: now + 3_000, completed: true })
        }
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), run), { numRuns: 200 })
  })
})
