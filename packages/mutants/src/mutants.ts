import type { AdapterMutant } from './adapter-mutant.ts'
import { brokenCores } from './core/index.ts'
import { brokenDrivers } from './driver/index.ts'
import { brokenKafka } from './kafka/index.ts'
import { adapters, type AdapterName, type Mutant } from './mutant.ts'
import { brokenRabbitmq } from './rabbitmq/index.ts'

const brokenAdapters: { readonly [adapter in AdapterName]: readonly AdapterMutant[] } = {
  rabbitmq: brokenRabbitmq,
  kafka: brokenKafka,
}

/** Every mutant, by its kind. */
export const mutants: readonly Mutant[] = [
  ...brokenDrivers.map(({ wrap: _, ...mutant }): Mutant => ({ ...mutant, kind: 'driver', patches: [] })),
  ...brokenCores.map((mutant): Mutant => ({ ...mutant, kind: 'core' })),
  ...adapters.flatMap((kind) => brokenAdapters[kind].map((mutant): Mutant => ({ ...mutant, kind }))),
]

/** Those that need a broker. */
export function isOfAdapter({ kind }: Mutant): boolean {
  return adapters.some((adapter) => adapter === kind)
}
