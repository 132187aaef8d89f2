import { describe, expect, test } from 'vitest'
import { coverageProblems } from '../src/coverage.ts'
import { isOfAdapter, mutants } from '../src/mutants.ts'
import { memoryGround, tryMutant } from '../src/trial.ts'

// The whole, real brokers and every case included, is `npm run test:mutants`.

test('every case of SND to LIF has a mutant or a reason', () => {
  expect(coverageProblems(mutants)).toEqual([])
})

describe.concurrent('each mutant of the memory driver and the core is caught', () => {
  test.for(mutants.filter((mutant) => !isOfAdapter(mutant)).map((mutant) => [mutant.name, mutant] as const))(
    '%s',
    { timeout: 120_000 },
    async ([, mutant], { expect: check }) => {
      const first = Object.keys(mutant.red).slice(0, 1)
      const { red, problems } = await tryMutant(mutant, memoryGround(mutant.profile), first)
      check(problems).toEqual([])
      check(red).toEqual(first)
    },
  )
})
