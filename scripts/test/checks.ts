import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Step } from './step.ts'
import { root, workspace } from './workspace.ts'

export interface Check extends Step {
  readonly title: string
}

const minute = 60_000
const script = (title: string, file: string, deadlineMs: number, ...rest: string[]): Check => ({
  title,
  command: process.execPath,
  arguments: [join(root, 'scripts', file), ...rest],
  deadlineMs,
})

/** What is checked without running the product, in the order in which it is started. */
export function checks(): readonly Check[] {
  return [
    {
      title: 'format and lint',
      command: process.execPath,
      arguments: [
        join(root, 'node_modules/@biomejs/biome/bin/biome'),
        'ci',
        '--diagnostic-level=error',
        '--colors=off',
      ],
      deadlineMs: 3 * minute,
    },
    script('time and chance are injected', 'check-injection.ts', 2 * minute),
    ...workspace()
      .filter(({ folder }) => existsSync(join(folder, 'tsconfig.json')))
      .map(({ short, folder }) => types(short, folder)),
    types('scripts', join(root, 'scripts')),
    script('dependency law', 'check-law.ts', 2 * minute),
    script('public API reports', 'check-api.ts', 5 * minute),
    script('packed packages', 'check-packages.ts', 5 * minute),
    script('type tests', 'check-type-tests.ts', 5 * minute),
    script('docs', 'check-docs.ts', 5 * minute),
    script('matrix', '../packages/conformance/scripts/matrix.ts', minute, '--check'),
    script('reliability page', '../packages/conformance/scripts/reliability.ts', minute, '--check'),
  ]
}

function types(name: string, folder: string): Check {
  return {
    title: `types of ${name}`,
    command: process.execPath,
    arguments: [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--noEmit'],
    deadlineMs: 5 * minute,
  }
}
