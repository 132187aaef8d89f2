import { expect, test } from 'vitest'
import type { Mutant } from '../src/mutant.ts'
import { memoryGround, tryMutant, tryUnbroken } from '../src/trial.ts'

const mutant = (change: Partial<Mutant>): Mutant => ({
  name: 'takes-a-refusal-for-a-confirm',
  kind: 'driver',
  story: '',
  patches: [],
  red: { 'SND-03': /it resolved with/ },
  ...change,
})
const problemsOf = async (change: Partial<Mutant>): Promise<string> =>
  (await tryMutant(mutant(change), memoryGround())).problems.join('\n')
const deadline = { timeout: 60_000 }

test('a case that stays green is a survivor', deadline, async () => {
  expect(await problemsOf({ red: { 'SND-12': /./ } })).toBe('SND-12 passed')
})

test('a case that is red for another reason does not count', deadline, async () => {
  expect(await problemsOf({ red: { 'SND-03': /something else/ } })).toMatch(
    /^SND-03 is red for another reason: expected a rejection with unroutable, but it resolved/,
  )
})

test('nor does a kit that breaks down', deadline, async () => {
  const patches = [{ file: 'packages/core/src/backoff.ts', find: 'x', replace: 'y' }]
  expect(await problemsOf({ kind: 'core', patches })).toMatch(
    /^the run broke down: ended with 1[\s\S]*not loaded, so not changed: packages\/core\/src\/backoff\.ts/,
  )
  const broken = [{ file: 'packages/core/src/outcome.ts', find: 'import { MessagingError }', replace: 'import {' }]
  expect(await problemsOf({ kind: 'core', patches: broken })).toMatch(/^the run broke down: [\s\S]*SND-03 did not run/)
  expect(await problemsOf({ name: 'no such mutant' })).toMatch(/^the run broke down: [\s\S]*no driver is broken by/)
})

test('with nothing broken all is well, and a case that is not says so', deadline, async () => {
  expect(await tryUnbroken(memoryGround(), ['SND-03', 'SND-12'])).toEqual([])
  const [problem] = await tryUnbroken(memoryGround(), ['SND-01/after a kill'])
  expect(problem).toBe('SND-01/after a kill notRun with nothing broken: ')
})
