import type { Behaviour } from '../../behaviour.ts'
import { numbers } from './numbers.ts'
import { traces } from './traces.ts'

export const observing: readonly Behaviour[] = [...traces, ...numbers]
