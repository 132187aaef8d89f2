import { readFileSync } from 'node:fs'
import { patched } from '@waybill/source-patch'
import { expect, test } from 'vitest'
import { mutants } from '../src/mutants.ts'
import { formatReport, readReport } from '../src/report.ts'

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
