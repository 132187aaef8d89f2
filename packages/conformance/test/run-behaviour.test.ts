import { equal, match } from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'vitest'
import type { Behaviour } from '../src/behaviour.ts'
import { withDriver } from '../src/harness.ts'
import { runBehaviour } from '../src/run-behaviour.ts'
import { stubHarness } from './stub-harness.ts'

const passing: Behaviour = { id: 'SND-01', run: async () => {} }
const ordered: Behaviour = {
  ...passing,
  needs: { capability: { name: 'order', declared: ({ order }) => order !== 'none' } },
  refusal: async () => {},
}

const failureOf = async (run: Behaviour['run'], more: Partial<Behaviour> = {}): Promise<string> => {
  const result = await runBehaviour(stubHarness(), { ...passing, ...more, run })
  return result.outcome === 'failed' ? result.error.message : result.outcome
}

test('passes what resolves', async () => {
  equal((await runBehaviour(stubHarness(), passing)).outcome, 'passed')
})

test('runs the refusal where a capability is not declared, and the case where it is', async () => {
  const refused = await runBehaviour(stubHarness(), ordered)
  equal(JSON.stringify(refused), JSON.stringify({ key: 'SND-01', outcome: 'refused', capability: 'order' }))
  equal((await runBehaviour(stubHarness({ order: 'key' }), ordered)).outcome, 'passed')
})

test('reports a missing fault control and runs nothing', async () => {
  const run = async (): Promise<never> => Promise.reject(new Error('was run'))
  const result = await runBehaviour(stubHarness(), { ...passing, part: 'x', needs: { faults: ['kill'] }, run })
  equal(JSON.stringify(result), JSON.stringify({ key: 'SND-01/x', outcome: 'notRun', fault: 'kill' }))
})

test('fails what hangs, with the log', async () => {
  const hang: Behaviour['run'] = async (kit) => {
    kit.log.note('about to hang')
    await new Promise(() => {})
  }
  match(await failureOf(hang, { deadlineMs: 50 }), /SND-01: not within 50 ms[\s\S]*about to hang/)
})

test('fails a refusal that does not refuse', async () => {
  const refusal: Behaviour['run'] = (kit) => kit.expectUnsupported(Promise.resolve(1))
  const result = await runBehaviour(stubHarness(), { ...ordered, refusal })
  equal(result.outcome, 'failed')
})

test('fails what leaves a listening socket or a timer behind', { timeout: 10_000 }, async () => {
  const server = createServer()
  const leak: Behaviour['run'] = () => new Promise((resolve) => void server.listen(0, resolve))
  match(await failureOf(leak), /TCPServerWrap/)
  server.close()
})

test('fails on an unhandled rejection', async () => {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const stray: Behaviour['run'] = async (kit) => {
    void Promise.reject(new Error('nobody cares'))
    await kit.sleep(5)
  }
  match(await failureOf(stray), /nobody cares/)
  for (const listener of others) process.on('unhandledRejection', listener)
})

test('a quiet watch fails on a change, and on a control that changes nothing', async () => {
  let count = 0
  const bump: Behaviour['run'] = async (kit) => {
    setTimeout(() => count++, 5)
    await kit.quiet('count', { watch: () => count, control: async () => {} })
  }
  match(await failureOf(bump), /something changed/)
  const idle: Behaviour['run'] = (kit) => kit.quiet('count', { watch: () => 0, control: async () => {} })
  match(await failureOf(idle), /proves nothing/)
})

test('what was handed out is closed last in, first out', async () => {
  const order: number[] = []
  await runBehaviour(stubHarness(), {
    ...passing,
    run: async (kit) => {
      for (const n of [1, 2]) kit.defer(async () => void order.push(n))
    },
  })
  equal(order.join(), '2,1')
})

test('a mutant is the same harness with wrapped drivers', () => {
  const mutant = withDriver(stubHarness(), (driver) => ({ ...driver, system: `mutant of ${driver.system}` }))
  equal(mutant.createDriver().system, 'mutant of stub')
})
