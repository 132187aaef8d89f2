import type { FailedSeed } from './campaign.ts'
import type { Schedule } from './schedule.ts'
import { shrink, without } from './shrink.ts'
import { simulate } from './simulation.ts'
import { tell } from './story.ts'
import type { Violation } from './violation.ts'

/** Makes a short story of a schedule that fails. */
export async function investigate(schedule: Schedule): Promise<FailedSeed> {
  const { seed, profile } = schedule
  const left = await shrink(schedule)
  const short = without(schedule, left)
  const outcome = await simulate(short, { traced: true })
  const violation = outcome.violation as Violation
  return { seed, profile, violation, without: left, story: tell(short, outcome) }
}
