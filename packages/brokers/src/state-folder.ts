import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * The folder for logs, locks and what is remembered between runs; made when missing.
 *
 * `.waybill/` at the root of the pnpm workspace around the working directory, else one in the user's cache folder.
 */
export function stateFolder(from: string = process.cwd()): string {
  const root = workspaceRoot(from)
  const folder =
    root === undefined
      ? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'waybill')
      : join(root, '.waybill')
  mkdirSync(folder, { recursive: true })
  return folder
}

function workspaceRoot(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return folder
    if (folder === dirname(folder)) return undefined
  }
}
