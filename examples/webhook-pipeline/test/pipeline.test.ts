import { setTimeout as pause } from 'node:timers/promises'
import { deadLetter, type Middleware } from '@waybill/core'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../src/command.ts'
import { MappingError } from '../src/index-group.ts'
import { Interruption } from '../src/interruption.ts'
import { CollectedOutput } from './collected-output.ts'

const small = ['--broker', 'memory', '--messages', '400']

/** A fault in one group's handler at the message number 123. */
function fault(group: string, handle: NonNullable<Middleware['handle']>): readonly Middleware[] {
  return [
    {
      handle: (context, next) =>
        context.group === group && context.message.id.endsWith('-123') ? handle(context, next) : next(),
    },
  ]
}

describe('the pipeline on the embedded broker', () => {
  test('ends with the counts that were computed beforehand', async () => {
    const output = new CollectedOutput()
    const status = await runCommand(small, output)
    expect(output.text).toContain('Right: nothing lost')
    expect(output.row('audit')).toEqual(['408', '408', '0', '0', '0', '0', '0', '0', '0'])
    expect(output.row('notify')).toEqual(['408', '408', '24', '0', '0', '0', '0', '0', '0'])
    expect(output.row('index')).toEqual(['408', '400', '0', '8', '34', '34', '0', '0', '0'])
    expect(output.text).toContain('MappingError: mapping version 1 has no document for event "discussion"')
    expect(output.text).toContain('notify-1 was closed in the middle, notify-3 joined')
    expect(status).toBe(0)
  })

  test.each([1, 49, 51])('is right with %i messages', async (messages) => {
    expect(await runCommand(['--messages', String(messages)], new CollectedOutput())).toBe(0)
  })

  test('shows a line that is written over on a terminal', async () => {
    const output = new CollectedOutput(true)
    expect(await runCommand(small, output)).toBe(0)
    expect(output.raw).toContain('\r\u001b[2K')
    expect(output.text).toContain('█')
  })
})

test('an interruption is answered at once, ends in order, and starts no handler any more', async () => {
  const output = new CollectedOutput()
  const controller = new AbortController()
  let handled = 0
  const interrupt: Middleware = {
    handle: async (_, next) => {
      if (++handled === 100) controller.abort(new Interruption('SIGINT'))
      await next()
    },
  }
  const interrupted = await runCommand(['--messages', '20000'], output, {
    middleware: [interrupt],
    signal: controller.signal,
  })
  expect(interrupted).toBe(130)
  expect(output.text).toContain('interrupted: handlers finish what they run')
  expect(output.text).toContain('ended in order, with no result')
  expect(output.text).not.toContain('│ audit')
  const then = handled
  expect(then).toBeLessThan(20_000)
  await pause(200)
  expect(handled).toBe(then)
})

test('who is interrupted while connecting does not wait for the broker', async () => {
  const output = new CollectedOutput()
  const signal = AbortSignal.abort(new Interruption('SIGTERM'))
  expect(await runCommand(['--url', 'kafka://127.0.0.1:1'], output, { signal })).toBe(143)
  expect(output.text).not.toContain('error:')
})

describe('a planted fault is found:', () => {
  test.each(['audit', 'notify', 'index'])('a handler of %s that drops a message', async (group) => {
    const output = new CollectedOutput()
    const status = await runCommand(small, output, { middleware: fault(group, async () => {}), stallMs: 500 })
    expect(output.text).toContain(`${group}: lost 1, expected 0`)
    expect(status).toBe(1)
  })

  test('a dead letter that nobody expects', async () => {
    const output = new CollectedOutput()
    const middleware = fault('audit', async () => deadLetter('disk full'))
    expect(await runCommand(small, output, { middleware, stallMs: 500 })).toBe(1)
    expect(output.text).toContain('audit: dead-lettered 1, expected 0')
  })

  test('a dead letter that fails again after the fix', async () => {
    const output = new CollectedOutput()
    const middleware: readonly Middleware[] = [
      {
        handle: async ({ group, message }, next) => {
          const isBad = group === 'index' && (message.data as { event: string }).event === 'discussion_comment'
          if (isBad) throw new MappingError('not this one')
          await next()
        },
      },
    ]
    expect(await runCommand(small, output, { middleware, stallMs: 500 })).toBe(1)
    expect(output.text).toMatch(/index: \d+ dead letters are left/)
  })
})
