import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { SharedLease } from '../src/driver/lease.ts'

describe('SharedLease', () => {
  test.each([
    [['recall'], ['recalled']],
    [['lose'], ['lost']],
    [
      ['recall', 'lose'],
      ['recalled', 'lost'],
    ],
    [['recall', 'recall'], ['recalled']],
    [['lose', 'recall', 'lose'], ['lost']],
  ] as const)('%j is heard as %j', (moves, expected) => {
    const lease = new SharedLease()
    expect(lease.state).toBe('held')
    const heard: string[] = []
    lease.subscribe(() => heard.push(lease.state))
    for (const move of moves) lease[move]()
    expect(heard).toEqual(expected)
    expect(lease.state).toBe(expected.at(-1))
  })

  test('one that ended its subscription hears nothing, all others do', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 30, size: 'max' }),
        fc.infiniteStream(fc.nat()),
        (stays, order) => {
          const lease = new SharedLease()
          const heard = stays.map(() => 0)
          const ends = stays.map((_, index) => lease.subscribe(() => void (heard[index] = (heard[index] ?? 0) + 1)))
          const leaving = stays.flatMap((stay, index) => (stay ? [] : [index]))
          while (leaving.length > 0) {
            const [index = 0] = leaving.splice((order.next().value as number) % leaving.length, 1)
            ends[index]?.()
            ends[index]?.()
          }
          lease.recall()
          lease.lose()
          expect(heard).toEqual(stays.map((stay) => (stay ? 2 : 0)))
        },
      ),
    )
  })

  test('one that ends during the round is not called any more', () => {
    const lease = new SharedLease()
    const heard: string[] = []
    lease.subscribe(() => {
      heard.push('first')
      endSecond()
    })
    const endSecond = lease.subscribe(() => heard.push('second'))
    lease.recall()
    expect(heard).toEqual(['first'])
  })

  test('one that ends its own subscription during the round makes nobody be missed', () => {
    const lease = new SharedLease()
    const heard: string[] = []
    const endFirst = lease.subscribe(() => {
      heard.push('first')
      endFirst()
    })
    for (const name of ['second', 'third']) lease.subscribe(() => heard.push(name))
    lease.recall()
    expect(heard.sort()).toEqual(['first', 'second', 'third'])
  })

  test('the same function twice is two subscriptions', () => {
    const lease = new SharedLease()
    let heard = 0
    const listener = () => void heard++
    const end = lease.subscribe(listener)
    lease.subscribe(listener)
    end()
    lease.recall()
    expect(heard).toBe(1)
  })

  test('a listener that moves the lease on: nobody hears of one state twice', () => {
    const lease = new SharedLease()
    const heard: string[] = []
    lease.subscribe(() => {
      heard.push(`a ${lease.state}`)
      lease.lose()
    })
    lease.subscribe(() => heard.push(`b ${lease.state}`))
    lease.recall()
    expect(heard).toEqual(['a recalled', 'a lost', 'b lost'])
  })

  test('a listener that throws stops nobody', () => {
    const surfaced: unknown[] = []
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((callback) => {
      try {
        callback()
      } catch (error) {
        surfaced.push(error)
      }
    })
    const lease = new SharedLease()
    let heard = false
    lease.subscribe(() => {
      throw new Error('boom')
    })
    lease.subscribe(() => (heard = true))
    lease.recall()
    later.mockRestore()
    expect([heard, lease.state]).toEqual([true, 'recalled'])
    expect(surfaced).toEqual([new Error('boom')])
  })

  test('subscribing after the end is fine', () => {
    const lease = new SharedLease()
    lease.lose()
    let heard = false
    const end = lease.subscribe(() => (heard = true))
    lease.lose()
    end()
    expect(heard).toBe(false)
  })
})
