import { makeSchedule } from './schedule-maker.ts'
import type { ProfileName } from './profile-name.ts'
import { without } from './shrink.ts'
import { simulate } from './simulation.ts'
import { tell } from './story.ts'
import type { Violation } from './violation.ts'

export interface Replay {
  readonly story: string
  readonly hash: string
  readonly virtualMs: number
  readonly violation: Violation | undefined
}

/** Runs one seed again, and tells it. `left`: steps to leave out, by number. */
export async function replay(seed: number, profile: ProfileName, left: readonly number[]): Promise<Replay> {
  const schedule = without(makeSchedule(seed, profile), left)
  const outcome = await simulate(schedule, { traced: true })
  const { trace, virtualMs, violation } = outcome
  return { story: tell(schedule, outcome), hash: trace.hash, virtualMs, violation }
}
