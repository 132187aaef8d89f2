import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { untilAborted } from '../src/driver/until-aborted.ts'

const never = new Promise<never>(() => {})

describe('untilAborted', () => {
  test('answers what the work does, and leaves nothing at the signal', async () => {
    const { signal } = new AbortController()
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7)
    await expect(untilAborted(Promise.reject(new Error('own')), signal)).rejects.toThrow('own')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('rejects with the reason, now or later', async () => {
    const controller = new AbortController()
    const waiting = untilAborted(never, controller.signal)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(untilAborted(never, controller.signal)).rejects.toThrow('enough')
  })

  test('a rejection after the abort is no unhandled one', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const { promise, reject } = Promise.withResolvers<never>()
    await expect(untilAborted(promise, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    reject(new Error('too late'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })
})
