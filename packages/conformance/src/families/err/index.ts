import type { Behaviour } from '../../behaviour.ts'
import { certificates } from './certificates.ts'
import { codes } from './codes.ts'
import { handlers } from './handlers.ts'
import { hostileBrokers } from './hostile-brokers.ts'
import { secrets } from './secrets.ts'
import { wrapping } from './wrapping.ts'

export const errors: readonly Behaviour[] = [
  ...codes,
  ...wrapping,
  ...secrets,
  ...certificates,
  ...handlers,
  ...hostileBrokers,
]
