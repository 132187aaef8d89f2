import type { Behaviour } from '../../behaviour.ts'
import { accepts } from './accepts.ts'
import { crashes } from './crashes.ts'
import { delays } from './delays.ts'
import { lateSettlements } from './late-settlements.ts'
import { releases } from './releases.ts'
import { redeliveries } from './retries.ts'

export const settlement: readonly Behaviour[] = [
  ...accepts,
  ...redeliveries,
  ...delays,
  ...releases,
  ...crashes,
  ...lateSettlements,
]
