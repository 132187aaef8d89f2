import type { Behaviour } from '../../behaviour.ts'
import { limits } from './limits.ts'
import { refused } from './refusals.ts'
import { swapped } from './swap.ts'

export const honesty: readonly Behaviour[] = [...refused, ...limits, ...swapped]
