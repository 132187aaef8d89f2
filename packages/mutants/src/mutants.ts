import { brokenCores } from './core/index.ts'
import { brokenDrivers } from './driver/index.ts'
import type { Mutant } from './mutant.ts'
import { brokenRabbitmq } from './rabbitmq/index.ts'

/** Every mutant, by its kind. */
export const mutants: readonly Mutant[] = [
  ...brokenDrivers.map(({ wrap: _, ...mutant }): Mutant => ({ ...mutant, kind: 'driver', patches: [] })),
  ...brokenCores.map((mutant): Mutant => ({ ...mutant, kind: 'core' })),
  ...brokenRabbitmq.map((mutant): Mutant => ({ ...mutant, kind: 'rabbitmq' })),
]
