import { expect, test } from 'vitest'
import { runProgram } from '../../run-program.ts'

test('prints what its comments promise', async () => {
  expect(await runProgram('first-program/src/first-program.ts')).toBe(
    [
      'sent: the broker has taken responsibility',
      'billing: order 42 charged at attempt 2',
      'dead letter of c1: order 43 has nothing to pay, attempts: 1',
      '',
    ].join('\n'),
  )
})
