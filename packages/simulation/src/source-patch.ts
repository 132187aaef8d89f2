import { registerHooks } from 'node:module'

/** A change of one source file of the core, by its text. */
export interface SourcePatch {
  /** Below `packages/core/src`. */
  readonly file: string
  readonly search: string
  readonly replace: string
}

/** @throws Error when `search` is not there exactly once: a bug that is not planted proves nothing. */
export function patched(source: string, { file, search, replace }: SourcePatch): string {
  const parts = source.split(search)
  if (parts.length === 2) return parts.join(replace)
  throw new Error(`packages/core/src/${file} has this ${parts.length - 1} times, not once; adapt the patch:\n${search}`)
}

/** Has this thread load the core with the patch in it, without touching a file. To be called before the core is loaded. */
export function plant(patch: SourcePatch): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(`/packages/core/src/${patch.file}`)) return loaded
      return { ...loaded, source: patched(String(loaded.source), patch) }
    },
  })
}
