import { describe, expect, test } from 'vitest'
import { withDeadline } from '../src/deadline.ts'
import { ManualClock } from '../src/driver/manual-clock.ts'

const late = () => new Error('late')

describe('withDeadline', () => {
  test('answers what the promise does, and cancels its timer', async () => {
    const clock = new ManualClock()
    expect(await withDeadline(Promise.resolve(7), 100, clock, late)).toBe(7)
    await expect(withDeadline(Promise.reject(new Error('own')), 100, clock, late)).rejects.toThrow('own')
    expect(clock.pendingTimers).toBe(0)
  })

  test('rejects at the deadline, not before', async () => {
    const clock = new ManualClock()
    let outcome: unknown
    const waiting = withDeadline(new Promise(() => {}), 100, clock, late).catch((error: unknown) => (outcome = error))
    clock.advance(99)
    await Promise.resolve()
    expect(outcome).toBeUndefined()
    clock.advance(1)
    await waiting
    expect(outcome).toEqual(new Error('late'))
  })

  test('makes no error unless it is needed', async () => {
    const clock = new ManualClock()
    let made = 0
    await withDeadline(Promise.resolve(), 1, clock, () => {
      made++
      return late()
    })
    clock.advance(10)
    expect(made).toBe(0)
  })

  test('a rejection after the deadline is no unhandled one', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const clock = new ManualClock()
    let reject: (error: Error) => void = () => {}
    const slow = new Promise<never>((_resolve, rejectIt) => {
      reject = rejectIt
    })
    const waiting = withDeadline(slow, 5, clock, late)
    clock.advance(5)
    await expect(waiting).rejects.toThrow('late')
    reject(new Error('too late'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })
})
