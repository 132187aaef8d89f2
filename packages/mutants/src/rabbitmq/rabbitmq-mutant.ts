import type { Mutant } from '../mutant.ts'
import type { SourcePatch } from '@waybill/source-patch'

/** A mutant of the RabbitMQ adapter: one change of its source, run against the real broker. */
export interface RabbitmqMutant extends Omit<Mutant, 'kind' | 'patches'> {
  readonly patches: readonly SourcePatch[]
}

/** One change of `packages/rabbitmq/src/rabbitmq-<file>.ts`. */
export function inRabbitmq(file: string, find: string, replace: string): readonly SourcePatch[] {
  return [{ file: `packages/rabbitmq/src/rabbitmq-${file}.ts`, find, replace }]
}
