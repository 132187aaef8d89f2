import type { Behaviour } from '../../behaviour.ts'
import { browsing } from './browsing.ts'
import { foreignLetters } from './foreign-letters.ts'
import { kills } from './kills.ts'
import { redriving } from './redriving.ts'

export const redrives: readonly Behaviour[] = [...browsing, ...redriving, ...kills, ...foreignLetters]
