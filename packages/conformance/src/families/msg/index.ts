import type { Behaviour } from '../../behaviour.ts'
import { bodies } from './bodies.ts'
import { envelope } from './envelope.ts'
import { headers } from './headers.ts'
import { random } from './random.ts'
import { redelivery } from './redelivery.ts'
import { types } from './types.ts'

export const fidelity: readonly Behaviour[] = [...bodies, ...envelope, ...headers, ...redelivery, ...random, ...types]
