import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemRuntime, type Runtime } from '../src/runtime.ts'
import { createIdSource } from '../src/uuid.ts'

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function filledWith(byte: number): Runtime {
  return { ...systemRuntime, random: { next: () => 0, fill: (target) => void target.fill(byte) } }
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

describe('createIdSource', () => {
  test('takes the layout of RFC 9562: 48 bits of time, version, variant', () => {
    const next = createIdSource(systemRuntime)
    const id = next(0x17f22e279b0)
    expect(id).toMatch(version7)
    expect(id.startsWith('017f22e2-79b0-7')).toBe(true)
  })

  test('spreads counter and random bits over their places', () => {
    const next = createIdSource(filledWith(0xff))
    expect(next(1)).toBe('00000000-0001-77ff-bfff-ffffffffffff')
    expect(next(1)).toBe('00000000-0001-7800-8000-ffffffffffff')
    expect(createIdSource(filledWith(0))(2)).toBe('00000000-0002-7000-8000-000000000000')
  })

  test('grows strictly, whatever the clock does', () => {
    const times = fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: 0, max: 2 ** 45, noNaN: true })))
    fc.assert(
      fc.property(times, (steps) => {
        const next = createIdSource(systemRuntime)
        const ids = steps.map((step) => next(1_700_000_000_000 + step))
        expect(ids).toEqual([...ids].sort())
        expect(new Set(ids).size).toBe(ids.length)
        for (const id of ids) expect(id).toMatch(version7)
      }),
    )
  })

  test('stays with the latest time while the clock is behind it', () => {
    const next = createIdSource(systemRuntime)
    next(5000)
    expect(timeOf(next(4000))).toBe(5000)
    expect(timeOf(next(5001.9))).toBe(5001)
  })

  test('borrows the next millisecond when the counter is used up', () => {
    const next = createIdSource(filledWith(0xff), 2 ** 25 + 1000)
    let last = next(7)
    while (timeOf(last) < 9) {
      const id = next(7)
      if (id <= last) throw new Error(`${id} after ${last}`)
      last = id
    }
    expect(last).toMatch(version7)
  })

  test('asks for randomness in bulk', () => {
    let fills = 0
    const random = { next: () => 0, fill: () => void fills++ }
    const next = createIdSource({ ...systemRuntime, random })
    for (let index = 0; index < 1000; index++) next(1)
    expect(fills).toBeLessThan(5)
  })

  test('two sources do not meet', () => {
    const one = createIdSource(systemRuntime)
    const other = createIdSource(systemRuntime)
    const ids = new Set<string>()
    for (let index = 0; index < 20_000; index++) ids.add(one(1)).add(other(1))
    expect(ids.size).toBe(40_000)
  })
})
