import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BatchRun, type BatchHandler } from '../src/batch-run.ts'
import { channel, definitionOf } from '../src/channel.ts'
import type { Connection } from '../src/connection.ts'
import type { Delivery, Settlement } from '../src/driver/driver.ts'
import { ManualClock } from '../src/driver/manual-clock.ts'
import type { WireMessage } from '../src/driver/wire-message.ts'
import type { Intake } from '../src/intake.ts'
import type { MessagingError } from '../src/messaging-error.ts'
import { outcomeOf } from '../src/outcome.ts'
import type { Recovery } from '../src/recovery.ts'
import { Task } from '../src/task.ts'
import type { Telemetry } from '../src/telemetry.ts'
import { TimerQueue } from '../src/timer-queue.ts'

const groups = ['billing'] as const
const orders = definitionOf(channel('orders', { schema: z.any(), groups }))
const several = definitionOf(channel('several', { messages: { placed: z.any(), paid: z.any() }, groups }))

/** What a batch run does to those around it, in words: `accept 1`, `failed 2: planted`. */
let said: string[]
let clock: ManualClock
let timers: TimerQueue
let intake: { concurrency: number; isStopping: boolean; isGivingBack: boolean; waitsForKeys: boolean }
let batches: number[][]
let errors: Map<number, unknown>

beforeEach(() => {
  said = []
  clock = new ManualClock()
  timers = new TimerQueue(clock)
  intake = { concurrency: 6, isStopping: false, isGivingBack: false, waitsForKeys: false }
  batches = []
  errors = new Map()
})

const numberOf = (task: Task): number => Number(task.messageId(() => 'none'))

function runOf(
  handler: BatchHandler,
  options: { timeoutMs?: number; channel?: typeof orders; telemetry?: Telemetry } = {},
): BatchRun {
  const finish = (task: Task, { kind }: Settlement): void => {
    if (task.state === 'settled') return
    task.state = 'settled'
    said.push(`${kind} ${numberOf(task)}`)
  }
  const recovery = {
    failed(task: Task, error: unknown) {
      errors.set(numberOf(task), error)
      task.state = 'settled'
      said.push(`failed ${numberOf(task)}: ${(error as Error | undefined)?.message}`)
    },
    deadLetter: (task: Task, error: MessagingError, attempts: number, nowMs: number) =>
      said.push(`dead ${numberOf(task)} after ${attempts} at ${nowMs - clock.now()}: ${error.code}: ${error.message}`),
    settled: (task: Task, outcome: string) => said.push(`told ${outcome} ${numberOf(task)}`),
  } as unknown as Recovery
  let given = 900
  const connection = {
    timers,
    runtime: { clock },
    driver: { system: 'test' },
    fault: (error: MessagingError) => said.push(`fault ${error.code}`),
  } as unknown as Connection
  return new BatchRun({
    connection,
    channel: options.channel ?? orders,
    handler,
    maxSize: 3,
    maxWaitMs: 100,
    timeoutMs: options.timeoutMs,
    recovery,
    intake: () => Object.assign(intake, { finish }) as unknown as Intake,
    nextId: () => `${++given}`,
    group: 'billing',
    telemetry: options.telemetry,
  })
}

function taskOf(number: number | undefined, change: Partial<WireMessage> = {}): Task {
  const wire = {
    id: number === undefined ? undefined : String(number),
    source: '/s',
    type: 'orders',
    headers: {},
    extensions: {},
    body: Buffer.from(JSON.stringify({ number })),
    ...change,
  } as unknown as WireMessage
  return new Task({ message: wire, deliveries: 1 } as Delivery, 0, false, () => {})
}

/** Notes each batch by the ids in it. */
const noting = (inner: BatchHandler = async () => {}): BatchHandler =>
  function noted(messages, context) {
    batches.push(messages.map(({ id }) => Number(id)))
    return inner(messages, context)
  }

function start(run: BatchRun, ...numbers: number[]): Task[] {
  const tasks = numbers.map((number) => taskOf(number))
  for (const task of tasks) run.start(task)
  return tasks
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** A handler whose batches end when told, first come first served. */
function gated(): { handler: BatchHandler; next(): Promise<void> } {
  const open: (() => void)[] = []
  return {
    handler: noting(() => new Promise((resolve) => open.push(resolve))),
    async next() {
      open.shift()?.()
      await settle()
    },
  }
}

describe('BatchRun: when a batch is handed over', () => {
  test('at maxSize, at once, and what is over waits', async () => {
    const run = runOf(noting())
    start(run, 1, 2, 3, 4)
    await settle()
    expect(batches).toEqual([[1, 2, 3]])
    expect(said).toEqual(['told accept 1', 'accept 1', 'told accept 2', 'accept 2', 'told accept 3', 'accept 3'])
  })

  test('maxWaitMs after the first, and not before', async () => {
    const run = runOf(noting())
    start(run, 1)
    clock.advance(99)
    start(run, 2)
    expect(batches).toEqual([])
    clock.advance(1)
    expect(batches).toEqual([[1, 2]])
    await settle()
    start(run, 3)
    clock.advance(99)
    expect(batches).toEqual([[1, 2]])
    clock.advance(1)
    expect(batches).toEqual([[1, 2], [3]])
  })

  test('a full batch takes the timer with it', () => {
    const run = runOf(noting())
    start(run, 1)
    clock.advance(60)
    start(run, 2, 3)
    expect(timers.size).toBe(0)
    start(run, 4)
    clock.advance(99)
    expect(batches).toEqual([[1, 2, 3]])
    clock.advance(1)
    expect(batches).toEqual([[1, 2, 3], [4]])
  })

  test('on flush, full or not', () => {
    const run = runOf(noting())
    start(run, 1, 2)
    run.flush()
    expect(batches).toEqual([[1, 2]])
    expect(timers.size).toBe(0)
    start(run, 3)
    expect(batches).toEqual([[1, 2]])
  })

  test('at once while the consumer closes', () => {
    intake.isStopping = true
    start(runOf(noting()), 1)
    expect(batches).toEqual([[1]])
  })

  test('not at all while the consumer is paused: it goes back', () => {
    intake.isGivingBack = true
    start(runOf(noting()), 1)
    expect(batches).toEqual([])
    expect(said).toEqual(['release 1'])
    expect(timers.size).toBe(0)
  })

  test('no more at a time than concurrency allows, and what waits is cut at maxSize', async () => {
    const { handler, next } = gated()
    const run = runOf(handler)
    start(run, 1)
    run.flush()
    start(run, 2)
    run.flush()
    start(run, 3, 4, 5, 6, 7)
    run.flush()
    expect(batches).toEqual([[1], [2]])
    await next()
    expect(batches).toEqual([[1], [2], [3, 4, 5]])
    await next()
    expect(batches).toEqual([[1], [2], [3, 4, 5], [6, 7]])
  })

  test('what gathers behind running batches waits for its own time or size', async () => {
    const { handler, next } = gated()
    intake.concurrency = 3
    const run = runOf(handler)
    start(run, 1, 2, 3, 4)
    await next()
    expect(batches).toEqual([[1, 2, 3]])
    clock.advance(100)
    expect(batches).toEqual([[1, 2, 3], [4]])
  })

  test('proceed starts what a higher concurrency allows', () => {
    const { handler } = gated()
    intake.concurrency = 3
    const run = runOf(handler)
    start(run, 1, 2, 3, 4, 5, 6)
    expect(batches).toEqual([[1, 2, 3]])
    intake.concurrency = 6
    run.proceed()
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
  })

  test('giveBack releases what never ran, and not what runs', async () => {
    const { handler, next } = gated()
    const run = runOf(handler)
    start(run, 1, 2, 3, 4, 5)
    run.giveBack()
    expect(said).toEqual(['release 4', 'release 5'])
    expect(timers.size).toBe(0)
    await next()
    expect(said.slice(2)).toEqual([
      'told accept 1',
      'accept 1',
      'told accept 2',
      'accept 2',
      'told accept 3',
      'accept 3',
    ])
  })

  describe('when messages wait for their keys', () => {
    test('does not wait for the batch to fill', () => {
      const run = runOf(noting())
      start(run, 1)
      intake.waitsForKeys = true
      run.onKeyWaits()
      run.onKeyWaits()
      expect(batches).toEqual([])
      expect(timers.size).toBe(2)
      clock.advance(0)
      expect(batches).toEqual([[1]])
    })

    test('waits on when there are others by then, and looks again later', () => {
      const run = runOf(noting())
      start(run, 1)
      run.onKeyWaits()
      clock.advance(0)
      expect(batches).toEqual([])
      intake.waitsForKeys = true
      run.onKeyWaits()
      clock.advance(0)
      expect(batches).toEqual([[1]])
    })
  })
})

describe('BatchRun: what becomes of the entries', () => {
  const failing: BatchHandler = async (messages, context) => {
    for (const message of messages) {
      if (message.id === '2') context.fail(message, new Error('bad'))
      if (message.id === '3') context.deadLetter(message, 'hopeless')
    }
  }

  test('one by one as the handler said', async () => {
    start(runOf(noting(failing)), 1, 2, 3)
    await settle()
    expect(said).toEqual(['told accept 1', 'accept 1', 'failed 2: bad', 'failed 3: hopeless'])
    expect(outcomeOf(errors.get(3))).toMatchObject({ kind: 'deadLetter' })
    expect(outcomeOf(errors.get(2))).toBeUndefined()
  })

  test('after a throw each runs alone, and only that run counts', async () => {
    const handler: BatchHandler = async (messages) => {
      if (messages.some(({ id }) => id === '2')) throw new Error(`with ${messages.length}`)
    }
    start(runOf(noting(handler)), 1, 2, 3)
    await settle()
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3]])
    expect(said).toEqual(['told accept 1', 'accept 1', 'failed 2: with 1', 'told accept 3', 'accept 3'])
  })

  test('what was marked before a throw does not count', async () => {
    const handler: BatchHandler = async (messages, context) => {
      if (messages.length === 1) return
      context.fail(messages[0]!, new Error('too early'))
      throw new Error('all')
    }
    start(runOf(noting(handler)), 1, 2, 3)
    await settle()
    expect(said).toEqual(['told accept 1', 'accept 1', 'told accept 2', 'accept 2', 'told accept 3', 'accept 3'])
  })

  test('a single entry fails by the throw of its handler, run once', async () => {
    const handler: BatchHandler = async () => {
      throw new Error('planted')
    }
    const run = runOf(noting(handler))
    start(run, 1)
    run.flush()
    await settle()
    expect(batches).toEqual([[1]])
    expect(said).toEqual(['failed 1: planted'])
  })

  test('the place of a batch that failed is free again', async () => {
    intake.concurrency = 3
    const run = runOf(
      noting(async (messages) => {
        if (messages[0]!.id === '1') throw new Error('planted')
      }),
    )
    start(run, 1, 2, 3, 4, 5, 6)
    await settle()
    expect(batches.at(-1)).toEqual([4, 5, 6])
  })

  test('the attempt is told, and a stranger is refused', async () => {
    const seen: unknown[] = []
    let kept: Parameters<BatchHandler>[0][number] | undefined
    const handler: BatchHandler = async (messages, context) => {
      seen.push(...messages.map((message) => context.attempt(message)))
      if (kept !== undefined) seen.push(catching(() => context.attempt(kept!)))
      kept = messages[0]
    }
    const run = runOf(noting(handler))
    run.start(taskOf(1, { headers: { 'waybill-attempt': '2' } }))
    run.start(taskOf(2))
    run.flush()
    await settle()
    start(run, 3)
    run.flush()
    await settle()
    expect(seen).toEqual([3, 1, 1, 'invalidArgument: the message is not of this batch'])
  })

  test('messages are what they were: id, type, source, data; what has none is given one', async () => {
    const seen: unknown[] = []
    const run = runOf(
      noting(
        async (messages) =>
          void seen.push(...messages.map(({ id, type, source, data }) => ({ id, type, source, data }))),
      ),
    )
    run.start(taskOf(1))
    run.start(taskOf(undefined, { source: undefined, type: undefined, body: Buffer.from('7') }))
    run.flush()
    await settle()
    expect(seen).toEqual([
      { id: '1', type: 'orders', source: '/s', data: { number: 1 } },
      { id: '901', type: 'orders', source: '/orders', data: 7 },
    ])
  })
})

describe('BatchRun: what is in no batch', () => {
  test('the unreadable is dead at attempt 1', async () => {
    const run = runOf(noting())
    run.start(taskOf(1, { body: Buffer.from('no JSON') }))
    run.flush()
    await settle()
    expect(batches).toEqual([])
    expect(said).toEqual([expect.stringMatching(/^dead 1 after 1 at 0: decodeFailed: /)])
  })

  test('the expired is accepted and told', () => {
    const run = runOf(noting())
    const expirytime = new Date(clock.now() - 1).toISOString()
    run.start(taskOf(1, { extensions: { expirytime } }))
    run.flush()
    expect(batches).toEqual([])
    expect(said).toEqual(['fault timeout', 'told accept 1', 'accept 1'])
  })

  test('of a type that the channel does not have', () => {
    const run = runOf(noting(), { channel: several })
    run.start(taskOf(1, { type: 'other' }))
    run.start(taskOf(2, { type: 'paid' }))
    run.flush()
    expect(batches).toEqual([[2]])
    expect(said).toEqual(['dead 1 after 1 at 0: decodeFailed: channel "several" has no type "other"'])
  })

  test('the lost and the given up, found when the batch is made', async () => {
    const run = runOf(noting())
    const [lost] = start(run, 1, 2)
    lost!.isLost = true
    run.flush()
    expect(batches).toEqual([[2]])
    expect(said).toContain('release 1')
    const [closed] = start(run, 4)
    closed!.abort('closed', 'the consumer was closed')
    const [gone] = start(run, 5)
    gone!.state = 'settled'
    run.flush()
    await settle()
    expect(batches).toEqual([[2]])
    expect(said).toContain('release 4')
    expect(said).not.toContain('release 5')
  })

  test('those lost while each runs alone', async () => {
    const handler: BatchHandler = async (messages) => {
      if (messages.length === 1) return
      await settle()
      tasks[1]!.isLost = true
      throw new Error('planted')
    }
    const tasks = start(runOf(noting(handler)), 1, 2, 3)
    await settle()
    await settle()
    expect(batches).toEqual([[1, 2, 3], [1], [3]])
    expect(said).toContain('release 2')
  })

  test('an abort for another reason changes nothing', async () => {
    const run = runOf(noting())
    const [task] = start(run, 1)
    task!.abort('timeout', 'too long')
    run.flush()
    await settle()
    expect(batches).toEqual([[1]])
  })

  test('schemas may take their time', async () => {
    const schema = z.any().refine(async ({ number }) => number === 1, 'not one')
    const run = runOf(noting(), { channel: definitionOf(channel('orders', { schema, groups })) })
    start(run, 1, 2)
    await settle()
    run.flush()
    await settle()
    expect(batches).toEqual([[1]])
    expect(said[0]).toMatch(/^dead 2 after 1 at 0: decodeFailed: .*not one/)
  })
})

describe('BatchRun: signals and telemetry', () => {
  test('the handler is told when its time is over, and not before', async () => {
    let signal: AbortSignal | undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = runOf(
      noting((_, context) => {
        signal = context.signal
        return promise
      }),
      { timeoutMs: 50 },
    )
    start(run, 1, 2, 3)
    clock.advance(49)
    expect(signal?.aborted).toBe(false)
    clock.advance(1)
    expect(signal?.reason).toMatchObject({ code: 'timeout', message: 'the batch handler ran longer than 50 ms' })
    resolve()
    await settle()
    expect(timers.size).toBe(0)
  })

  test('the timer ends with the handler', async () => {
    start(runOf(noting(), { timeoutMs: 50 }), 1, 2, 3)
    expect(timers.size).toBe(1)
    await settle()
    expect(timers.size).toBe(0)
  })

  test('the handler is told when one of its messages is lost', () => {
    let signal: AbortSignal | undefined
    const run = runOf(
      noting((_, context) => {
        signal = context.signal
        return new Promise(() => {})
      }),
    )
    const tasks = start(run, 1, 2, 3)
    expect(signal?.aborted).toBe(false)
    tasks[1]!.abort('leaseLost', 'lost')
    expect(signal?.reason).toMatchObject({ code: 'leaseLost' })
  })

  test('each call of the handler is observed, with its end', async () => {
    const seen: unknown[] = []
    const telemetry = {
      processing(about: object) {
        seen.push(about)
        return {
          run: (work: () => unknown) => (seen.push('begun'), work()),
          end: (error?: Error) => seen.push(error?.message ?? 'ended'),
        }
      },
    } as unknown as Telemetry
    const handler: BatchHandler = async (messages) => {
      if (messages.length === 2) throw new Error('planted')
      if (messages[0]!.id === '1') await Promise.reject(undefined)
    }
    const run = runOf(noting(handler), { telemetry })
    run.start(taskOf(1, { headers: { 'waybill-attempt': '4' }, body: undefined }))
    run.start(taskOf(2))
    run.flush()
    await settle()
    const about = { system: 'test', channel: 'orders', group: 'billing' }
    const bytes = '{"number":2}'.length
    const headers = { 'waybill-attempt': '4' }
    expect(seen).toEqual([
      { ...about, attempt: 5, bytes, batch: [headers, {}] },
      'begun',
      'planted',
      { ...about, attempt: 5, bytes: 0, batch: [headers], id: '1', headers },
      'begun',
      'the handler threw undefined',
      { ...about, attempt: 1, bytes, batch: [{}], id: '2', headers: {} },
      'begun',
      'ended',
    ])
  })
})

function catching(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    const { code, message } = error as MessagingError
    return `${code}: ${message}`
  }
}
