import { expect, test } from 'vitest'
import { profileNames } from '../src/profile-name.ts'
import { replay } from '../src/replay.ts'

test.each(profileNames)('a seed of the profile %s repeats bit for bit', { timeout: 60_000 }, async (profile) => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 25; seed++) {
    const first = await replay(seed, profile, [])
    const second = await replay(seed, profile, [])
    expect(second.hash, `seed ${seed}`).toBe(first.hash)
    expect(second.virtualMs, `seed ${seed}`).toBe(first.virtualMs)
    hashes.add(first.hash)
  }
  expect(hashes.size, 'other seeds are other stories').toBe(25)
})

test('the real clock and real chance have no part in it', { timeout: 60_000 }, async () => {
  const { now } = Date
  const { random } = Math
  const before = await replay(7, 'lease', [])
  Date.now = () => now() + 1_000_000_000
  Math.random = () => 0.5
  try {
    expect((await replay(7, 'lease', [])).hash).toBe(before.hash)
  } finally {
    Date.now = now
    Math.random = random
  }
})
