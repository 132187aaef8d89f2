import type { SourcePatch } from '@waybill/source-patch'
import type { AdapterName, Mutant } from './mutant.ts'

/** A mutant of an adapter: a change of its source, run against the real broker. */
export interface AdapterMutant extends Omit<Mutant, 'kind' | 'patches'> {
  readonly patches: readonly SourcePatch[]
}

/** Makes changes of files of an adapter: of `packages/<adapter>/src/<prefix>-<file>.ts`. */
export function inAdapter(adapter: AdapterName, prefix: string = adapter) {
  return (file: string, find: string, replace: string): readonly SourcePatch[] => [
    { file: `packages/${adapter}/src/${prefix}-${file}.ts`, find, replace },
  ]
}
