import { deepEqual, equal } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'vitest'
import { ManualClock } from '../src/driver/manual-clock.ts'
import type { MessagingError } from '../src/messaging-error.ts'
import { TimerQueue } from '../src/timer-queue.ts'
import { WaitingSends } from '../src/waiting-sends.ts'

function waiting() {
  const clock = new ManualClock()
  const timers = new TimerQueue(clock)
  const sends = new WaitingSends('orders', clock, timers)
  const rejected: { data: unknown; code: string; atMs: number }[] = []
  const add = (data: unknown, timeoutMs: number, signal?: AbortSignal): void =>
    sends.add({
      data,
      options: signal === undefined ? undefined : { signal },
      headers: undefined,
      deadlineAt: clock.monotonic() + timeoutMs,
      resolve: () => {},
      reject: (error) => void rejected.push({ data, code: (error as MessagingError).code, atMs: clock.monotonic() }),
    })
  const takeAll = (): unknown[] => {
    const taken: unknown[] = []
    for (let send = sends.take(); send !== undefined; send = sends.take()) taken.push(send.data)
    return taken
  }
  return { clock, timers, sends, add, rejected, takeAll, startMs: clock.monotonic() }
}

test('sends are taken in the order in which they came', () => {
  const { add, takeAll, timers } = waiting()
  for (const n of [1, 2, 3]) add(n, 1_000)
  deepEqual(takeAll(), [1, 2, 3])
  equal(timers.size, 0, 'timers left when nothing waits')
})

test('each is rejected at its own deadline, and not taken any more', () => {
  const { add, clock, rejected, startMs, takeAll, timers } = waiting()
  add('a', 100)
  clock.advance(50)
  add('b', 100)
  clock.advance(49)
  deepEqual(rejected, [])
  clock.advance(1)
  deepEqual(rejected, [{ data: 'a', code: 'timeout', atMs: startMs + 100 }])
  add('c', 1_000)
  clock.advance(50)
  deepEqual(rejected.slice(1), [{ data: 'b', code: 'timeout', atMs: startMs + 150 }])
  deepEqual(takeAll(), ['c'])
  equal(timers.size, 0)
})

test('deadlines out of order: none early, none later than the next look', () => {
  const { add, clock, rejected, startMs, takeAll } = waiting()
  const timeouts = [500, 20, 300, 21, 100, 400]
  for (const timeoutMs of timeouts) add(timeoutMs, timeoutMs)
  add('patient', 10_000)
  for (let passed = 0; passed < 600; passed++) clock.advance(1)
  deepEqual(
    rejected.map(({ data }) => data),
    timeouts.toSorted((a, b) => a - b),
  )
  for (const { data, atMs } of rejected) {
    const lateMs = atMs - startMs - (data as number)
    equal(lateMs >= 0 && lateMs <= 10, true, `${data} was rejected ${lateMs} ms late`)
  }
  deepEqual(takeAll(), ['patient'])
})

test('an aborted one is rejected at once; signals are let go of', () => {
  const { add, rejected, takeAll } = waiting()
  const [used, unused] = [new AbortController(), new AbortController()]
  add(1, 1_000, used.signal)
  add(2, 1_000, unused.signal)
  used.abort()
  deepEqual(
    rejected.map(({ data, code }) => [data, code]),
    [[1, 'aborted']],
  )
  deepEqual(takeAll(), [2])
  for (const { signal } of [used, unused]) deepEqual(getEventListeners(signal, 'abort'), [])
})

test('what was given up is given up once', () => {
  const { add, clock, rejected, sends } = waiting()
  const abort = new AbortController()
  add(1, 100, abort.signal)
  add(2, 200)
  abort.abort()
  clock.advance(150)
  sends.rejectAll(new Error('closed'))
  clock.advance(1_000)
  deepEqual(
    rejected.map(({ data }) => data),
    [1, 2],
  )
})
