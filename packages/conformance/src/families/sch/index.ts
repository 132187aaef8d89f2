import type { Behaviour } from '../../behaviour.ts'
import { expiring } from './expiring.ts'
import { requests } from './requests.ts'
import { scheduled } from './scheduling.ts'

export const timing: readonly Behaviour[] = [...scheduled, ...expiring, ...requests]
