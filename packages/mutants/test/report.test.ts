import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mutants } from '../src/mutants.ts'
import { formatReport, readReport } from '../src/report.ts'
import { patched } from '../src/source-patch.ts'

test('packages/conformance/mutants.json is what the mutants declare; if not, run npm run test:mutants', async () => {
  const declared = new Map(mutants.map(({ name, red }) => [name, Object.keys(red)]))
  expect(await readReport()).toBe(formatReport(declared))
})

test.for(mutants.filter(({ patches }) => patches.length > 0).map((mutant) => [mutant.name, mutant] as const))(
  'the patch of %s applies',
  ([, { patches }]) => {
    const sources = new Map<string, string>()
    for (const patch of patches) {
      const file = new URL(`../../../${patch.file}`, import.meta.url)
      const source = sources.get(patch.file) ?? readFileSync(file, 'utf8')
      const changed = patched(source, patch)
      expect(changed).not.toBe(source)
      sources.set(patch.file, changed)
    }
  },
)

test('a patch that finds nothing, or too much, is an error', () => {
  const patch = { file: 'a.ts', find: 'x', replace: 'y' }
  expect(patched('1 x 2', patch)).toBe('1 y 2')
  expect(() => patched('1 2', patch)).toThrow('a.ts: found 0 times, not once')
  expect(() => patched('x x', patch)).toThrow('a.ts: found 2 times, not once')
  expect(patched('1 x 2', { ...patch, replace: '$&$1' })).toBe('1 $&$1 2')
})
