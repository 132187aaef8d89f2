import type { Schedule } from './schedule.ts'
import { simulate } from './simulation.ts'

const mostTries = 400

/** The steps of a schedule that can be left out, by number, so that the same invariant still falls. */
export async function shrink(schedule: Schedule): Promise<readonly number[]> {
  const { violation } = await simulate(schedule, { traced: false })
  let kept = schedule.steps.map((_, index) => index)
  let tries = 0
  const stillFails = async (trial: readonly number[]): Promise<boolean> => {
    tries++
    const outcome = await simulate(
      { ...schedule, steps: trial.map((index) => schedule.steps[index]!) },
      { traced: false },
    )
    return outcome.violation?.invariant === violation?.invariant
  }
  if (violation === undefined) return []
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length && tries < mostTries; ) {
      const trial = kept.toSpliced(from, size)
      if (await stillFails(trial)) kept = trial
      else from += size
    }
  }
  return schedule.steps.map((_, index) => index).filter((index) => !kept.includes(index))
}

/** The schedule without some of its steps. */
export function without(schedule: Schedule, left: readonly number[]): Schedule {
  return { ...schedule, steps: schedule.steps.filter((_, index) => !left.includes(index)) }
}
