import { expect, test } from 'vitest'
import { expectedOutput, runProgram } from '../../run-program.ts'

test('prints what its comments promise', async () => {
  expect(await runProgram('first-program/src/first-program.ts')).toBe(expectedOutput('first-program'))
})
