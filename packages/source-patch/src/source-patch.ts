import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** One change of a source file: each text is found exactly once. */
export interface SourcePatch {
  /** From the root of the repository: `packages/core/src/recovery.ts`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** The source with one change. @throws Error when the text to change is not there exactly once. */
export function patched(source: string, { file, find, replace }: SourcePatch): string {
  const parts = source.split(find)
  if (parts.length !== 2) throw new Error(`${file}: found ${parts.length - 1} times, not once:\n${find}`)
  return parts.join(replace)
}

/**
 * From now on, modules are loaded with these changes; the files stay as they are. Nothing that imports them may be
 * loaded yet. Answers the files that were changed so far.
 */
export function patchModules(root: URL, patches: readonly SourcePatch[]): ReadonlySet<string> {
  const changed = new Set<string>()
  const folder = fileURLToPath(root)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.startsWith('file:')) return loaded
      const file = fileURLToPath(url)
      const own = patches.filter((patch) => file === `${folder}${patch.file}`)
      if (own.length === 0) return loaded
      changed.add(own[0]!.file)
      const source = own.reduce(patched, String(loaded.source))
      return { ...loaded, source }
    },
  })
  return changed
}
