import type { Behaviour } from '../../behaviour.ts'
import { disturbed } from './disturbed.ts'
import { serial } from './serial.ts'

export const ordering: readonly Behaviour[] = [...serial, ...disturbed]
