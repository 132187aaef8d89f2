import type { Behaviour } from '../../behaviour.ts'
import { closing } from './closing.ts'
import { connecting } from './connecting.ts'
import { draining } from './draining.ts'
import { leftovers } from './leftovers.ts'
import { processes } from './processes.ts'
import { terminations } from './terminations.ts'

export const lifecycle: readonly Behaviour[] = [
  ...closing,
  ...draining,
  ...leftovers,
  ...connecting,
  ...processes,
  ...terminations,
]
