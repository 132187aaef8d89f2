import { join } from 'node:path'
import { runStep } from './step.ts'
import type { WorkspacePackage } from './workspace.ts'

/**
 * Packs a package as npm would publish it.
 *
 * @throws Error with npm's output.
 */
export async function pack({ short, folder }: WorkspacePackage, destination: string): Promise<string> {
  const { ok, output, reason } = await runStep({
    command: 'npm',
    arguments: ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', destination],
    folder,
    deadlineMs: 120_000,
  })
  const file = output.trim().split('\n').at(-1)
  if (!ok || file === undefined) throw new Error(`npm pack of ${short}: ${reason}\n${output}`)
  return join(destination, file.trim())
}
