import { describe, expect, it } from 'vitest'
import { assign, decodeOwnership, encodeOwnership, type MemberClaim } from '../src/kafka-assignment.ts'

const topics = ['orders', 'orders..billing']
const claim = (memberId: string, owned: readonly number[] = [], generation = 1): MemberClaim => ({
  memberId,
  topics,
  userData: encodeOwnership({ generation, owned }),
})
const partitions = (count: number, other = count) =>
  new Map([
    ['orders', count],
    ['orders..billing', other],
  ])
const shares = (claims: readonly MemberClaim[], count: number) =>
  Object.fromEntries([...assign(claims, partitions(count))].map(([member, assigned]) => [member, assigned['orders']]))

describe('assigning', () => {
  it('gives all to one, evenly to several, and nothing to who comes too late', () => {
    expect(shares([claim('a')], 4)).toEqual({ a: [0, 1, 2, 3] })
    expect(shares([claim('b'), claim('a')], 4)).toEqual({ a: [0, 2], b: [1, 3] })
    expect(shares([claim('a'), claim('b'), claim('c')], 2)).toEqual({ a: [0], b: [1], c: [] })
  })

  it('gives what moves to nobody before its owner has let go, and leaves the rest where it is', () => {
    const joined = [claim('a', [0, 1, 2, 3]), claim('b')]
    expect(shares(joined, 4)).toEqual({ a: [0, 1], b: [] })
    expect(shares([claim('a', [0, 1]), claim('b')], 4)).toEqual({ a: [0, 1], b: [2, 3] })
  })

  it('moves nothing when all is even', () => {
    expect(shares([claim('a', [1, 3]), claim('b', [0, 2])], 4)).toEqual({ a: [1, 3], b: [0, 2] })
    expect(shares([claim('a', [0, 1]), claim('b', [2])], 3)).toEqual({ a: [0, 1], b: [2] })
  })

  it('gives what a member left behind to who has least', () => {
    expect(shares([claim('a', [0]), claim('b', [2, 3])], 4)).toEqual({ a: [0, 1], b: [2, 3] })
  })

  it('believes of several who claim a partition the one of the latest generation', () => {
    expect(shares([claim('a', [0, 1], 3), claim('b', [0, 1], 7)], 2)).toEqual({ a: [], b: [0] })
  })

  it('keeps partitions of one number together, and stays within each topic', () => {
    const assigned = assign([claim('a'), claim('b')], partitions(4, 2))
    expect(assigned.get('a')).toEqual({ orders: [0, 2], 'orders..billing': [0] })
    expect(assigned.get('b')).toEqual({ orders: [1, 3], 'orders..billing': [1] })
  })

  it('comes to rest, with all owned and even, whoever joins and leaves', () => {
    let [members, owned] = [['a'], new Map<string, readonly number[]>()]
    for (const next of [['a', 'b'], ['a', 'b', 'c'], ['b', 'c'], ['b', 'c', 'd', 'e', 'f'], ['f'], ['f', 'g']]) {
      members = next
      for (let round = 0; round < 3; round++) {
        const got = shares(
          members.map((member) => claim(member, owned.get(member) ?? [])),
          8,
        )
        owned = new Map(Object.entries(got) as [string, readonly number[]][])
      }
      expect([...owned.values()].flat().toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      const sizes = [...owned.values()].map((share) => share.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }
  })

  it('never gives a partition to two', () => {
    const claims = ['a', 'b', 'c'].map((member, index) => claim(member, [index, index + 1, 9, -1], index))
    const all = Object.values(shares(claims, 5)).flat()
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('ownership', () => {
  it('survives the wire', () => {
    const ownership = { generation: 7, owned: [0, 3] }
    expect(decodeOwnership(encodeOwnership(ownership))).toEqual(ownership)
  })

  it.each(['', '{', 'null', '{"generation":"1","owned":[1]}', '{"generation":1}'])('of %j is none', (text) => {
    expect(decodeOwnership(Buffer.from(text))).toEqual({ generation: -1, owned: [] })
  })
})
