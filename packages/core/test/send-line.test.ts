import { AsyncLocalStorage } from 'node:async_hooks'
import { deepEqual, equal } from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'vitest'
import { ManualClock } from '../src/driver/manual-clock.ts'
import type { MessagingError } from '../src/messaging-error.ts'
import type { Receipt } from '../src/producer.ts'
import { SendLine } from '../src/send-line.ts'
import { TimerQueue } from '../src/timer-queue.ts'

function standing() {
  const clock = new ManualClock()
  const timers = new TimerQueue(clock)
  const gone: unknown[] = []
  const line = new SendLine(
    ({ data }) => {
      gone.push(data)
      return Promise.resolve({ id: String(data) })
    },
    clock,
    timers,
  )
  const join = (data: unknown, timeoutMs = 1_000, signal?: AbortSignal): Promise<Receipt> =>
    line.join({
      data,
      options: signal === undefined ? undefined : { signal },
      headers: undefined,
      deadlineAt: clock.monotonic() + timeoutMs,
    })
  return { clock, timers, line, gone, join }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

test('sends go on by sections, in the order in which they came, each with its own answer', async () => {
  const { line, gone, join, timers } = standing()
  const answers = numbers(600).map((n) => join(n))
  await turn()
  deepEqual([gone.length, line.length], [0, 600])
  line.advance()
  equal(line.isMoving, true)
  await turn()
  deepEqual([gone, line.length, line.isMoving], [numbers(256), 344, false])
  line.advance()
  line.advance()
  await turn()
  deepEqual([gone, line.length], [numbers(600), 0])
  const receipts = await Promise.all(answers)
  deepEqual(
    receipts.map(({ id }) => id),
    numbers(600).map(String),
  )
  equal(timers.size, 0, 'timers left when nobody stands in line')
})

test('who comes while a section goes on stands behind it', async () => {
  const { line, gone, join } = standing()
  void join('a')
  line.advance()
  void join('b')
  equal(line.length, 2)
  await turn()
  deepEqual(gone, ['a'])
  line.advance()
  await turn()
  deepEqual(gone, ['a', 'b'])
})

test('a deadline lets its section go on, and all before it, and no other', async () => {
  const { clock, gone, join, line, timers } = standing()
  for (const n of numbers(300)) void join(n)
  void join('due', 50)
  for (const n of numbers(300)) void join(`later ${n}`)
  clock.advance(49)
  await turn()
  equal(gone.length, 0)
  clock.advance(1)
  await turn()
  equal(gone.includes('due'), true)
  equal(gone.length, 512)
  equal(timers.size, 1)
  clock.advance(950)
  await turn()
  deepEqual([gone.length, line.length, timers.size], [601, 0, 0])
})

test('an aborted send is rejected at once and goes on in its turn to be given up', async () => {
  const { gone, join, line } = standing()
  const abort = new AbortController()
  const rejected = join('a', 1_000, abort.signal).catch((error: MessagingError) => error.code)
  const answered = join('b', 1_000, abort.signal)
  abort.abort()
  equal(await rejected, 'aborted')
  await answered.catch(() => {})
  deepEqual(gone, [])
  line.empty()
  await turn()
  deepEqual(gone, ['a', 'b'])
  equal(getEventListeners(abort.signal, 'abort').length, 0)
})

test('it goes on in the asynchronous context of its caller', async () => {
  const storage = new AsyncLocalStorage<string>()
  const clock = new ManualClock()
  const seen: unknown[] = []
  const goOn = (): Promise<Receipt> => {
    seen.push(storage.getStore())
    return Promise.resolve({ id: '' })
  }
  const line = new SendLine(goOn, clock, new TimerQueue(clock))
  for (const who of ['a', 'b']) {
    const request = { data: who, options: undefined, headers: undefined, deadlineAt: 1_000 }
    storage.run(who, () => void line.join(request))
  }
  line.empty()
  await turn()
  deepEqual(seen, ['a', 'b'])
})
