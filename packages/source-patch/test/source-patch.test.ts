import { expect, test } from 'vitest'
import { patched } from '../src/index.ts'

test('a patch that finds nothing, or too much, is an error', () => {
  const patch = { file: 'a.ts', find: 'x', replace: 'y' }
  expect(patched('1 x 2', patch)).toBe('1 y 2')
  expect(() => patched('1 2', patch)).toThrow('a.ts: found 0 times, not once')
  expect(() => patched('x x', patch)).toThrow('a.ts: found 2 times, not once')
  expect(patched('1 x 2', { ...patch, replace: '$&$1' })).toBe('1 $&$1 2')
})
