import type { Behaviour } from '../../behaviour.ts'
import { collecting } from './collecting.ts'
import { limits } from './limits.ts'
import { outcomes } from './outcomes.ts'

export const batching: readonly Behaviour[] = [...collecting, ...outcomes, ...limits]
