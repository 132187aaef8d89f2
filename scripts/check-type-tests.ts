// Programs that must compile against the built packages, and lines that must not, on every supported TypeScript.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runStep } from './test/step.ts'
import { root, workspace } from './test/workspace.ts'

const compilers = { '5.9': 'typescript-5.9', '6.0': 'typescript', '7.0': 'typescript-7' }

const tested = workspace().filter(({ folder }) => existsSync(join(folder, 'test-types')))
if (tested.length === 0) {
  console.log('there is no packages/*/test-types: nothing was checked')
  process.exitCode = 1
}
for (const { short, folder } of tested) {
  const programs = join(folder, 'test-types')
  for (const [version, name] of Object.entries(compilers)) {
    const { ok, output, seconds } = await runStep({
      command: process.execPath,
      arguments: [join(root, 'node_modules', name, 'bin/tsc'), '-p', programs],
      deadlineMs: 120_000,
    })
    console.log(`${short}, TypeScript ${version}: ${ok ? 'as expected' : 'differs'} (${seconds.toFixed(1)} s)`)
    if (!ok) {
      console.log(output)
      process.exitCode = 1
    }
  }
}
