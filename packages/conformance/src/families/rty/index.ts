import type { Behaviour } from '../../behaviour.ts'
import { attempts } from './attempts.ts'
import { backstop } from './backstop.ts'
import { poison } from './poison.ts'
import { poisonShare } from './poison-share.ts'
import { records } from './records.ts'
import { refusedLetters } from './refused-letters.ts'
import { restarts } from './restarts.ts'
import { schedule } from './schedule.ts'

export const retrying: readonly Behaviour[] = [
  ...attempts,
  ...records,
  ...refusedLetters,
  ...restarts,
  ...schedule,
  ...backstop,
  ...poison,
  ...poisonShare,
]
