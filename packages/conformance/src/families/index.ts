import type { Behaviour } from '../behaviour.ts'
import { batching } from './bat/index.ts'
import { honesty } from './cap/index.ts'
import { errors } from './err/index.ts'
import { faults } from './flt/index.ts'
import { flowing } from './flw/index.ts'
import { idempotentReceiver } from './idm/index.ts'
import { lifecycle } from './lif/index.ts'
import { fidelity } from './msg/index.ts'
import { observing } from './obs/index.ts'
import { ordering } from './ord/index.ts'
import { redrives } from './rdr/index.ts'
import { retrying } from './rty/index.ts'
import { timing } from './sch/index.ts'
import { settlement } from './set/index.ts'
import { sending } from './snd/index.ts'
import { topology } from './top/index.ts'

/** Every case of the kit, in the order of the catalogue. */
export const behaviours: readonly Behaviour[] = [
  ...sending,
  ...fidelity,
  ...topology,
  ...settlement,
  ...retrying,
  ...redrives,
  ...idempotentReceiver,
  ...ordering,
  ...batching,
  ...flowing,
  ...lifecycle,
  ...faults,
  ...errors,
  ...honesty,
  ...observing,
  ...timing,
]
