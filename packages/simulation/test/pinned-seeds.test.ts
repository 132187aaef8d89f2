import { expect, test } from 'vitest'
import { failureText } from '../src/campaign-report.ts'
import { investigate } from '../src/investigation.ts'
import { plantedBugs } from '../src/planted-bugs.ts'
import { readFindings } from '../src/planted-campaign.ts'
import { makeSchedule } from '../src/schedule-maker.ts'
import { simulate } from '../src/simulation.ts'

/**
 * Bugs that the core had, and that a seed found. Each is planted again by a patch that takes its fix back, and the seed
 * that finds it then must pass now.
 */
const foundBugs = [
  'takes a retry copy for the redelivery of its original',
  'lets a key go on behind a message given back while closing',
  'leaves a key asleep when the lease of the one before is lost',
  'subscribes to a lease again whenever another partition had its turn',
  'waits in circles for sends that were told that it is too late',
  'starts a handler after close, when its claim took its time',
  'hands out later sends of a key while earlier ones are still being refused',
  "takes a handler's own messaging error for a message that cannot be read",
  'lets the time of a handler run on while the store answers',
]

const minute = 60_000

test.each(foundBugs)('no longer %s', { timeout: minute }, async (name) => {
  expect(plantedBugs.some((bug) => bug.name === name)).toBe(true)
  const finding = readFindings().find(({ bug }) => bug === name)
  expect(finding, 'it is in planted-bugs.json').toBeDefined()
  const schedule = makeSchedule(finding!.afterSeeds, finding!.profile)
  const { violation } = await simulate(schedule, { traced: false })
  expect(violation && failureText(await investigate(schedule))).toBeUndefined()
})

/** Found by a seed further away than a planted bug is searched for. */
const pinned = [
  {
    story: 'a delivery given back at close ran when the run it waited for failed',
    profile: 'individual',
    seed: 176_430_784,
  },
  { story: 'the same, in another group', profile: 'individual', seed: 176_404_408 },
  {
    story: 'a send overtook those behind a refused one that was given up already',
    profile: 'individual',
    seed: 2_529_653_432,
  },
  {
    story: 'a delivery that came while closing overtook others of its key that had just been given back',
    profile: 'push',
    seed: 675_584_861_887,
  },
  {
    story:
      'a queue was forgotten while a batch whose sends were given up was on its way, and its successor sent one more',
    profile: 'log',
    seed: 675_585_156_717,
  },
] as const

test.each(pinned)('$story', { timeout: minute }, async ({ profile, seed }) => {
  const schedule = makeSchedule(seed, profile)
  const { violation } = await simulate(schedule, { traced: false })
  expect(violation && failureText(await investigate(schedule))).toBeUndefined()
})
