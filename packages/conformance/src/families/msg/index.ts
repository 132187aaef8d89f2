import type { Behaviour } from '../../behaviour.ts'
import { bodies } from './bodies.ts'
import { envelope } from './envelope.ts'
import { headers } from './headers.ts'
import { hostileMessages } from './hostile-messages.ts'
import { hostileSends } from './hostile-sends.ts'
import { random } from './random.ts'
import { redelivery } from './redelivery.ts'
import { types } from './types.ts'

export const fidelity: readonly Behaviour[] = [
  ...bodies,
  ...envelope,
  ...headers,
  ...redelivery,
  ...random,
  ...types,
  ...hostileSends,
  ...hostileMessages,
]
