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
