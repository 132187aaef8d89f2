import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** The test runner takes names out of a CommonJS module that Node does not find in it. */
it('loads in Node itself', async () => {
  const index = new URL('../src/index.ts', import.meta.url).href
  const program = `const { kafka } = await import(${JSON.stringify(index)}); console.log(kafka({ url: 'kafka://localhost' }).system)`
  const flags = ['--conditions=@waybill/source', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 20_000 })
  expect(stdout).toBe('kafka\n')
})
