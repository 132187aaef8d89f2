import type { Behaviour } from '../../behaviour.ts'
import { changing } from './changing.ts'
import { crowds } from './crowds.ts'
import { inFlight } from './in-flight.ts'
import { pausing } from './pausing.ts'
import { slowness } from './slowness.ts'

export const flowing: readonly Behaviour[] = [...inFlight, ...crowds, ...slowness, ...pausing, ...changing]
