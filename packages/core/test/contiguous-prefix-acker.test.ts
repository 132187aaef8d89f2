import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContiguousPrefixAcker, type PrefixSlot } from '../src/driver/contiguous-prefix-acker.ts'

const commands = fc.array(
  fc.record({
    kind: fc.constantFrom('begin', 'begin', 'begin', 'finish', 'finish', 'finish', 'abandon') as fc.Arbitrary<
      'begin' | 'finish' | 'abandon'
    >,
    pick: fc.nat(),
  }),
  { maxLength: 200, size: 'max' },
)

describe('ContiguousPrefixAcker', () => {
  test('tells the highest position before which nothing is open, once per move', () => {
    fc.assert(
      fc.property(commands, fc.boolean(), (all, mayAbandon) => {
        const told: number[] = []
        const acker = new ContiguousPrefixAcker<number>((last) => told.push(last))
        const slots: PrefixSlot<number>[] = []
        const states: ('open' | 'finished' | 'abandoned')[] = []
        const expected: number[] = []
        for (const { kind, pick } of all) {
          if (kind === 'begin') {
            slots.push(acker.begin(slots.length))
            states.push('open')
          } else if (slots.length > 0 && (kind === 'finish' || mayAbandon)) {
            const index = pick % slots.length
            if (states[index] === 'open') states[index] = kind === 'finish' ? 'finished' : 'abandoned'
            acker[kind](slots[index] as PrefixSlot<number>)
            const end = states.findIndex((state) => state !== 'finished')
            const last = (end < 0 ? states.length : end) - 1
            if (last >= 0 && last > (expected.at(-1) ?? -1)) expected.push(last)
          }
          expect(told).toEqual(expected)
          expect(acker.pending).toBe(states.filter((state) => state === 'open').length)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('out of order: waits for the gap, then moves at once', () => {
    const told: string[] = []
    const acker = new ContiguousPrefixAcker<string>((last) => told.push(last))
    const [a, b, c] = [acker.begin('a'), acker.begin('b'), acker.begin('c')]
    acker.finish(c)
    acker.finish(b)
    expect(told).toEqual([])
    acker.finish(a)
    expect(told).toEqual(['c'])
  })

  test('never passes an abandoned position, whatever finishes behind it', () => {
    const told: string[] = []
    const acker = new ContiguousPrefixAcker<string>((last) => told.push(last))
    const [a, b, c] = [acker.begin('a'), acker.begin('b'), acker.begin('c')]
    acker.abandon(b)
    acker.finish(b)
    acker.finish(c)
    acker.finish(a)
    acker.finish(acker.begin('d'))
    expect(told).toEqual(['a'])
    expect(acker.pending).toBe(0)
  })

  test('behind an abandoned position nothing is kept', () => {
    const acker = new ContiguousPrefixAcker<number>(() => {})
    const [a, b] = [acker.begin(0), acker.begin(1)]
    acker.abandon(b)
    acker.finish(a)
    const c = acker.begin(2)
    acker.begin(3)
    expect([b.next, c.next]).toEqual([undefined, undefined])
  })

  test('nor behind one that was abandoned first of all', () => {
    const acker = new ContiguousPrefixAcker<number>(() => {})
    const first = acker.begin(0)
    acker.abandon(first)
    const second = acker.begin(1)
    acker.begin(2)
    expect([first.next, second.next]).toEqual([undefined, undefined])
  })

  test('the state is right when onPrefix comes back in', () => {
    const told: number[] = []
    const acker: ContiguousPrefixAcker<number> = new ContiguousPrefixAcker((last) => {
      told.push(last)
      if (last < 3) acker.finish(acker.begin(last + 1))
    })
    acker.finish(acker.begin(0))
    expect(told).toEqual([0, 1, 2, 3])
  })

  test('a slot that is done keeps none of those behind it alive', () => {
    const acker = new ContiguousPrefixAcker<number>(() => {})
    const first = acker.begin(0)
    acker.begin(1)
    acker.finish(first)
    expect(first.next).toBeUndefined()
  })
})
