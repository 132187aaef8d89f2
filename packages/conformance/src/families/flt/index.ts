import type { Behaviour } from '../../behaviour.ts'
import { access } from './access.ts'
import { blocks } from './blocks.ts'
import { clock } from './clock.ts'
import { crashes } from './crashes.ts'
import { links } from './links.ts'
import { members } from './members.ts'
import { memberships } from './memberships.ts'
import { once } from './once.ts'
import { outages } from './outages.ts'
import { resets } from './resets.ts'
import { topology } from './topology.ts'

export const faults: readonly Behaviour[] = [
  ...outages,
  ...once,
  ...links,
  ...topology,
  ...access,
  ...blocks,
  ...crashes,
  ...members,
  ...memberships,
  ...resets,
  ...clock,
]
