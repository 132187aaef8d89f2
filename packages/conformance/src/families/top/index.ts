import type { Behaviour } from '../../behaviour.ts'
import { broadcast } from './broadcast.ts'
import { groups } from './groups.ts'
import { isolation } from './isolation.ts'
import { names } from './names.ts'
import { provisioning } from './provisioning.ts'
import { replay } from './replay.ts'

export const topology: readonly Behaviour[] = [
  ...isolation,
  ...groups,
  ...replay,
  ...broadcast,
  ...names,
  ...provisioning,
]
