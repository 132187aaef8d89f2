import type { Behaviour } from '../../behaviour.ts'
import { batches } from './batches.ts'
import { confirms } from './confirms.ts'
import { refusals } from './refusals.ts'
import { relays } from './relays.ts'
import { waiting } from './waiting.ts'

export const sending: readonly Behaviour[] = [...confirms, ...batches, ...refusals, ...waiting, ...relays]
