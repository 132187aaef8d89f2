import { batching } from './batching.ts'
import type { CoreMutant } from './core-mutant.ts'
import { deadLettering } from './dead-lettering.ts'
import { guarding } from './guarding.ts'
import { lifecycle } from './lifecycle.ts'
import { pausing } from './pausing.ts'
import { receiving } from './receiving.ts'
import { recovering } from './recovering.ts'
import { redriving } from './redriving.ts'
import { sending } from './sending.ts'

/** Every core that is broken by a patch. */
export const brokenCores: readonly CoreMutant[] = [
  ...sending,
  ...receiving,
  ...pausing,
  ...batching,
  ...recovering,
  ...deadLettering,
  ...redriving,
  ...guarding,
  ...lifecycle,
]
