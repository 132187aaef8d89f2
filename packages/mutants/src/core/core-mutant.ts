import type { Mutant } from '../mutant.ts'
import type { SourcePatch } from '@waybill/source-patch'

/** A mutant of the core: one change of its source. For cases whose promise no driver can break. */
export interface CoreMutant extends Omit<Mutant, 'kind' | 'patches'> {
  readonly patches: readonly SourcePatch[]
}

/** One change of `packages/core/src/<file>.ts`. */
export function inCore(file: string, find: string, replace: string): readonly SourcePatch[] {
  return [{ file: `packages/core/src/${file}.ts`, find, replace }]
}
