import type { Behaviour } from '../../behaviour.ts'
import { claims } from './claims.ts'
import { duplicates } from './duplicates.ts'
import { failingStores } from './failing-stores.ts'

export const idempotentReceiver: readonly Behaviour[] = [...duplicates, ...claims, ...failingStores]
