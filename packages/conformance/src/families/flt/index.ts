import type { Behaviour } from '../../behaviour.ts'
import { outages } from './outages.ts'
import { resets } from './resets.ts'
import { topology } from './topology.ts'

export const faults: readonly Behaviour[] = [...outages, ...topology, ...resets]
