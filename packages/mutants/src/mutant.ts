import type { SourcePatch } from '@waybill/source-patch'

/** The adapters that have mutants, by the names of their packages and brokers. */
export const adapters = ['rabbitmq', 'kafka'] as const

export type AdapterName = (typeof adapters)[number]

/**
 * What is broken, and what it is run on: `driver`, a wrapper around the memory driver; `core`, the source of the core on
 * the memory driver; an adapter, its source, or that of the core beneath it, on the real broker.
 */
export type MutantKind = 'driver' | 'core' | AdapterName

/** One deliberately broken adapter or core, and how the conformance kit finds out. */
export interface Mutant {
  /** Its name in the report: what it does wrong, `accepts-before-the-handler-ends`. */
  readonly name: string
  readonly kind: MutantKind
  /** What it does wrong, and which bug of real adapters it stands for. */
  readonly story: string
  /** None for a `driver`, which is found among `brokenDrivers` by its name. */
  readonly patches: readonly SourcePatch[]
  /** The kind of broker that memory imitates beneath it; default: `copies`. */
  readonly profile?: 'lanes'
  /**
   * The cases that it turns red, by their names in reports, each with what its first failure has to say. A case that
   * is red for another reason does not count.
   */
  readonly red: { readonly [key: string]: RegExp }
}
