import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { Clock } from '../src/driver/clock.ts'
import { ManualClock } from '../src/driver/manual-clock.ts'
import { TimerQueue } from '../src/timer-queue.ts'

interface Step {
  readonly kind: 'add' | 'cancel' | 'advance'
  readonly value: number
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('add', 'add', 'cancel', 'advance') as fc.Arbitrary<Step['kind']>,
    value: fc.oneof(fc.constantFrom(0, 1, 5, 5, 10), fc.nat({ max: 40 }), fc.double({ min: 0, max: 20, noNaN: true })),
  }),
  { maxLength: 200, size: 'max' },
)

/** The plainest thing that could be right: a list searched from the beginning. */
function expectedOf(all: readonly Step[]): string[] {
  const timers: { id: number; dueAt: number }[] = []
  const fired: string[] = []
  let now = 0
  let ids = 0
  for (const { kind, value } of all) {
    if (kind === 'add') timers.push({ id: ids++, dueAt: now + value })
    if (kind === 'cancel' && timers.length > 0) timers.splice(Math.floor(value) % timers.length, 1)
    if (kind !== 'advance') continue
    now += value
    const due = timers.filter((timer) => timer.dueAt <= now).sort((a, b) => a.dueAt - b.dueAt || a.id - b.id)
    for (const timer of due) timers.splice(timers.indexOf(timer), 1)
    fired.push(...due.map((timer) => `${timer.id}@${timer.dueAt}`))
  }
  return fired
}

function run(all: readonly Step[]): { fired: string[]; early: number; pending: number; size: number; live: number } {
  const clock = new ManualClock(0)
  const queue = new TimerQueue(clock)
  const live: { id: number; cancel(): void }[] = []
  const fired: string[] = []
  let ids = 0
  let early = 0
  for (const { kind, value } of all) {
    if (kind === 'add') {
      const id = ids++
      const dueAt = clock.monotonic() + value
      const timer = queue.after(value, () => {
        if (clock.monotonic() < dueAt - 1e-9) early++
        fired.push(`${id}@${dueAt}`)
        live.splice(live.indexOf(entry), 1)
      })
      const entry = { id, cancel: () => timer.cancel() }
      live.push(entry)
    }
    if (kind === 'cancel' && live.length > 0) live.splice(Math.floor(value) % live.length, 1)[0]?.cancel()
    if (kind === 'advance') clock.advance(value)
  }
  return { fired, early, pending: clock.pendingTimers, size: queue.size, live: live.length }
}

describe('TimerQueue', () => {
  test('fires what a plain list would, in the same order, never early', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { fired, early, pending, size, live } = run(all)
        expect(fired).toEqual(expectedOf(all))
        expect(early).toBe(0)
        expect(size).toBe(live)
        expect(pending).toBe(live === 0 ? 0 : 1)
      }),
      { numRuns: 300 },
    )
  })

  test('is exact to the millisecond under a manual clock', () => {
    const clock = new ManualClock(0)
    const queue = new TimerQueue(clock)
    const fired: number[] = []
    for (const delayMs of [30, 10, 20, 10]) queue.after(delayMs, () => fired.push(clock.now()))
    clock.advance(9)
    expect(fired).toEqual([])
    clock.advance(91)
    expect(fired).toEqual([10, 10, 20, 30])
  })

  test('first come first served among equal due times of different delays', () => {
    const clock = new ManualClock(0)
    const queue = new TimerQueue(clock)
    const fired: string[] = []
    queue.after(3, () => fired.push('earlier'))
    queue.after(10, () => fired.push('a'))
    clock.advance(5)
    queue.after(5, () => fired.push('b'))
    queue.after(5, () => fired.push('c'))
    clock.advance(5)
    expect(fired).toEqual(['earlier', 'a', 'b', 'c'])
  })

  test('one timer of the clock for any number, none when empty', () => {
    const clock = new ManualClock()
    const queue = new TimerQueue(clock)
    const timers = Array.from({ length: 1000 }, (_, index) => queue.after(index % 7, () => {}))
    expect(clock.pendingTimers).toBe(1)
    for (const timer of timers) timer.cancel()
    expect([clock.pendingTimers, queue.size]).toEqual([0, 0])
  })

  test('cancelling twice, after firing, and from within the callback is harmless', () => {
    const clock = new ManualClock()
    const queue = new TimerQueue(clock)
    let fired = 0
    const timer = queue.after(5, () => {
      fired++
      timer.cancel()
    })
    const other = queue.after(5, () => fired++)
    clock.advance(5)
    timer.cancel()
    other.cancel()
    other.cancel()
    queue.after(5, () => fired++)
    expect(queue.size).toBe(1)
    clock.advance(5)
    expect(fired).toBe(3)
  })

  test('a callback may cancel a neighbour that is due at the same time', () => {
    const clock = new ManualClock()
    const queue = new TimerQueue(clock)
    let fired = false
    queue.after(5, () => neighbour.cancel())
    const neighbour = queue.after(5, () => (fired = true))
    clock.advance(100)
    expect(fired).toBe(false)
  })

  test('a callback that arms itself at once does not hold up the turn', () => {
    let wake: () => void = () => {}
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: (_delayMs, callback) => {
        wake = callback
        return { cancel: () => {} }
      },
    }
    const queue = new TimerQueue(clock)
    let fired = 0
    const again = () => {
      fired++
      queue.after(0, again)
    }
    queue.after(0, again)
    wake()
    expect(fired).toBe(1)
    wake()
    expect(fired).toBe(2)
  })

  test('an error stops no other timer and surfaces later', () => {
    const clock = new ManualClock()
    const queue = new TimerQueue(clock)
    const thrown: unknown[] = []
    const later = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((callback) => {
      try {
        callback()
      } catch (error) {
        thrown.push(error)
      }
    })
    let fired = 0
    queue.after(5, () => {
      throw new Error('boom')
    })
    queue.after(5, () => fired++)
    queue.after(6, () => fired++)
    clock.advance(6)
    later.mockRestore()
    expect(fired).toBe(2)
    expect(thrown).toEqual([new Error('boom')])
  })

  test('trusts the clock that woke it where fractions round down', () => {
    let now = 0.1
    const asked: number[] = []
    let wake: () => void = () => {}
    const clock: Clock = {
      now: () => now,
      monotonic: () => now,
      after: (delayMs, callback) => {
        asked.push(delayMs)
        wake = callback
        return { cancel: () => {} }
      },
    }
    const queue = new TimerQueue(clock)
    let fired = false
    queue.after(0.2, () => (fired = true))
    now = 0.3
    expect(0.1 + 0.2).toBeGreaterThan(now)
    wake()
    expect(fired).toBe(true)
    expect(asked).toHaveLength(1)
  })

  test('delays that are none mean now; an endless one never comes', () => {
    const clock = new ManualClock()
    const queue = new TimerQueue(clock)
    let fired = 0
    for (const delayMs of [-5, Number.NaN, 0]) queue.after(delayMs, () => fired++)
    const never = queue.after(Number.POSITIVE_INFINITY, () => (fired = -1))
    clock.advance(0)
    clock.advance(1e12)
    expect(fired).toBe(3)
    never.cancel()
    expect(clock.pendingTimers).toBe(0)
  })

  test('many delays, each used once, leave nothing behind', () => {
    const clock = new ManualClock()
    const queue = new TimerQueue(clock)
    const keep = queue.after(1e9, () => {})
    for (let index = 0; index < 50_000; index++) queue.after(index + 0.5, () => {}).cancel()
    expect(queue.size).toBe(1)
    keep.cancel()
    expect(queue.size).toBe(0)
  })
})
