import { describe, expect, test } from 'vitest'
import { ManualClock } from '../src/driver/manual-clock.ts'

describe('ManualClock', () => {
  test('stands still until told', () => {
    const clock = new ManualClock(1000)
    expect([clock.now(), clock.monotonic()]).toEqual([1000, 0])
    clock.advance(250)
    expect([clock.now(), clock.monotonic()]).toEqual([1250, 250])
  })

  test('fires in the order of due times, then of arming, each at its exact time', () => {
    const clock = new ManualClock(0)
    const fired: string[] = []
    const arm = (name: string, delayMs: number) => clock.after(delayMs, () => fired.push(`${name}@${clock.now()}`))
    arm('c', 30)
    arm('a', 10)
    arm('b', 10)
    clock.advance(9)
    expect(fired).toEqual([])
    clock.advance(1)
    expect(fired).toEqual(['a@10', 'b@10'])
    clock.advance(100)
    expect(fired).toEqual(['a@10', 'b@10', 'c@30'])
    expect(clock.now()).toBe(110)
  })

  test('fires within one advance what is armed on the way', () => {
    const clock = new ManualClock(0)
    const fired: number[] = []
    const tick = () => {
      fired.push(clock.monotonic())
      clock.after(10, tick)
    }
    clock.after(10, tick)
    clock.advance(35)
    expect(fired).toEqual([10, 20, 30])
    expect(clock.nextDueInMs).toBe(5)
  })

  test('cancelling is final, and harmless twice or after firing', () => {
    const clock = new ManualClock()
    let fired = 0
    const cancelled = clock.after(5, () => fired++)
    const kept = clock.after(5, () => fired++)
    expect(clock.pendingTimers).toBe(2)
    cancelled.cancel()
    cancelled.cancel()
    clock.advance(5)
    kept.cancel()
    expect([fired, clock.pendingTimers, clock.nextDueInMs]).toEqual([1, 0, undefined])
  })

  test('a timer may cancel another that is due at the same time', () => {
    const clock = new ManualClock()
    let fired = false
    clock.after(5, () => second.cancel())
    const second = clock.after(5, () => (fired = true))
    clock.advance(5)
    expect(fired).toBe(false)
  })

  test('step moves the wall clock alone', () => {
    const clock = new ManualClock(1000)
    let fired = false
    clock.after(50, () => (fired = true))
    clock.step(-500)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([500, 0, false])
    clock.advance(50)
    expect([clock.now(), fired]).toEqual([550, true])
  })

  test('an error leaves advance at its time; the clock goes on', () => {
    const clock = new ManualClock(0)
    let later = false
    clock.after(5, () => {
      throw new Error('boom')
    })
    clock.after(6, () => (later = true))
    expect(() => clock.advance(10)).toThrow('boom')
    expect([clock.monotonic(), later]).toEqual([5, false])
    clock.advance(1)
    expect(later).toBe(true)
  })

  test('refuses to go back and to wait for ever', () => {
    const clock = new ManualClock()
    expect(() => clock.advance(-1)).toThrow(RangeError)
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
    const again = () => void clock.after(0, again)
    again()
    expect(() => clock.advance(1)).toThrow('time stands still')
  })

  test('advanceAsync lets promises settle between times', async () => {
    const clock = new ManualClock(0)
    const settle = async () => {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
    const sleep = (delayMs: number) => new Promise<void>((resolve) => clock.after(delayMs, resolve))
    const woke: number[] = []
    const work = async () => {
      for (let round = 0; round < 3; round++) {
        await sleep(10)
        woke.push(clock.now())
      }
    }
    const done = work()
    await clock.advanceAsync(30, settle)
    await done
    expect(woke).toEqual([10, 20, 30])
    expect(clock.now()).toBe(30)
  })
})
