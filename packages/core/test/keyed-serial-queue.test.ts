import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyedSerialQueue } from '../src/driver/keyed-serial-queue.ts'

const noKey = fc.constant(undefined)
const keys = fc.oneof(noKey, fc.constantFrom('a', 'b', '__proto__', ''))
const commands = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('push' as const), key: keys }),
    fc.record({ kind: fc.constant('done' as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant('clear' as const) }),
  ),
  { maxLength: 150, size: 'max' },
)

describe('KeyedSerialQueue', () => {
  test('one at a time per key, in the order pushed, nothing lost', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const queue = new KeyedSerialQueue<{ key: string | undefined; number: number }>()
        const running: { key: string | undefined; number: number }[] = []
        const waiting: { key: string | undefined; number: number }[] = []
        let numbers = 0
        for (const command of all) {
          if (command.kind === 'push') {
            const task = { key: command.key, number: numbers++ }
            const mayStart = task.key === undefined || !running.some((each) => each.key === task.key)
            expect(queue.push(task.key, task)).toBe(mayStart)
            ;(mayStart ? running : waiting).push(task)
          } else if (command.kind === 'clear') {
            const cleared = queue.clear()
            expect([...cleared].sort((a, b) => a.number - b.number)).toEqual(waiting.splice(0))
            for (const key of new Set(cleared.map((task) => task.key))) {
              const numbersOfKey = cleared.filter((task) => task.key === key).map((task) => task.number)
              expect(numbersOfKey).toEqual([...numbersOfKey].sort((a, b) => a - b))
            }
          } else if (running.length > 0) {
            const [ended] = running.splice(command.pick % running.length, 1)
            const index = ended?.key === undefined ? -1 : waiting.findIndex((each) => each.key === ended.key)
            const expected = index < 0 ? undefined : waiting.splice(index, 1)[0]
            expect(queue.done(ended?.key)).toBe(expected)
            if (expected !== undefined) running.push(expected)
          }
          expect(queue.size).toBe(waiting.length)
          expect(queue.heldKeys).toBe(running.filter((each) => each.key !== undefined).length)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('keys do not wait for each other', () => {
    const queue = new KeyedSerialQueue<string>()
    expect(queue.push('a', 'a1')).toBe(true)
    expect(queue.push('b', 'b1')).toBe(true)
    expect(queue.push('a', 'a2')).toBe(false)
    expect(queue.done('b')).toBeUndefined()
    expect(queue.done('a')).toBe('a2')
  })

  test('a key that is cleared stays held until done', () => {
    const queue = new KeyedSerialQueue<string>()
    queue.push('a', 'a1')
    queue.push('a', 'a2')
    expect(queue.clear()).toEqual(['a2'])
    expect(queue.push('a', 'a3')).toBe(false)
    expect(queue.done('a')).toBe('a3')
    expect(queue.done('a')).toBeUndefined()
    expect(queue.push('a', 'a4')).toBe(true)
  })

  test('done for a key that nobody holds is harmless', () => {
    const queue = new KeyedSerialQueue<string>()
    expect(queue.done('a')).toBeUndefined()
    expect(queue.done(undefined)).toBeUndefined()
    expect(queue.push('a', 'a1')).toBe(true)
  })
})
