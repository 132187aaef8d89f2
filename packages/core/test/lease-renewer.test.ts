import { describe, expect, test, vi } from 'vitest'
import { LeaseRenewer } from '../src/driver/lease-renewer.ts'
import { ManualClock } from '../src/driver/manual-clock.ts'

const settle = async () => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function setUp(answer: (batch: readonly string[]) => Promise<readonly string[]> = async () => []) {
  const clock = new ManualClock(0)
  const batches: string[] = []
  const lost: string[] = []
  const renewer = new LeaseRenewer<string>({
    clock,
    renewEveryMs: 10,
    maxHoldMs: 100,
    renew: (batch) => {
      batches.push(`${clock.now()}: ${batch.join(' ')}`)
      return answer(batch)
    },
    onLost: (item) => lost.push(item),
  })
  return { clock, renewer, batches, lost, pass: (ms: number) => clock.advanceAsync(ms, settle) }
}

describe('LeaseRenewer', () => {
  test('one round for all, as long as there is anything', async () => {
    const { clock, renewer, batches, pass } = setUp()
    renewer.add('a')
    renewer.add('b')
    expect(clock.pendingTimers).toBe(1)
    await pass(15)
    renewer.remove('a')
    renewer.add('c')
    await pass(10)
    renewer.remove('b')
    renewer.remove('c')
    renewer.remove('never there')
    await pass(100)
    expect(batches).toEqual(['10: a b', '20: b c'])
    expect(clock.pendingTimers).toBe(0)
    renewer.add('d')
    await pass(10)
    expect(batches.at(-1)).toBe('135: d')
  })

  test('tells of those that were lost, once', async () => {
    const { renewer, lost, batches, pass } = setUp(async (batch) => batch.filter((item) => item === 'b'))
    for (const item of ['a', 'b', 'c']) renewer.add(item)
    await pass(20)
    expect(lost).toEqual(['b'])
    expect(batches).toEqual(['10: a b c', '20: a c'])
    expect(renewer.size).toBe(2)
  })

  test('holds nothing for longer than allowed', async () => {
    const { renewer, lost, pass } = setUp()
    renewer.add('a')
    await pass(50)
    renewer.add('b')
    await pass(49)
    expect(lost).toEqual([])
    await pass(1)
    expect(lost).toEqual(['a'])
    await pass(50)
    expect(lost).toEqual(['a', 'b'])
  })

  test('a rejection loses nothing: the next round tries again', async () => {
    let rounds = 0
    const { renewer, lost, batches, pass } = setUp(async () => {
      if (++rounds === 1) throw new Error('network')
      return []
    })
    renewer.add('a')
    await pass(20)
    expect([batches.length, lost.length]).toEqual([2, 0])
  })

  test('a throw is a rejection', async () => {
    const { renewer, batches, pass } = setUp(() => {
      throw new Error('network')
    })
    renewer.add('a')
    await pass(20)
    expect(batches).toHaveLength(2)
  })

  test('a slow round holds up neither the next nor newcomers, and nobody is in two', async () => {
    let answer: (lost: readonly string[]) => void = () => {}
    const { renewer, batches, lost, pass } = setUp((batch) =>
      batch.includes('a') && batches.length === 1
        ? new Promise((resolve) => {
            answer = resolve
          })
        : Promise.resolve([]),
    )
    renewer.add('a')
    await pass(10)
    renewer.add('b')
    await pass(20)
    answer([])
    await pass(10)
    expect(batches).toEqual(['10: a', '20: b', '30: b', '40: a b'])
    expect(lost).toEqual([])
  })

  test('what was removed meanwhile is not lost, nor what was added anew', async () => {
    let answer: (lost: readonly string[]) => void = () => {}
    const { renewer, lost, pass } = setUp(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    for (const item of ['settled', 'again', 'gone']) renewer.add(item)
    await pass(10)
    renewer.remove('settled')
    renewer.remove('again')
    renewer.add('again')
    answer(['settled', 'again', 'gone', 'unknown'])
    await settle()
    expect(lost).toEqual(['gone'])
  })

  test('stop ends it, quietly', async () => {
    const { clock, renewer, batches, lost, pass } = setUp()
    renewer.add('a')
    renewer.stop()
    renewer.add('b')
    expect(clock.pendingTimers).toBe(0)
    await pass(200)
    expect([batches, lost, renewer.size]).toEqual([[], [], 0])
  })

  test('onLost that throws stops nobody', async () => {
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {})
    const clock = new ManualClock()
    const lost: string[] = []
    const renewer = new LeaseRenewer<string>({
      clock,
      renewEveryMs: 10,
      maxHoldMs: 5,
      renew: async () => [],
      onLost: (item) => {
        lost.push(item)
        throw new Error('boom')
      },
    })
    renewer.add('a')
    renewer.add('b')
    clock.advance(10)
    expect(lost).toEqual(['a', 'b'])
    expect(later).toHaveBeenCalledTimes(2)
    later.mockRestore()
  })
})
