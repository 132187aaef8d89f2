import { expect, test } from 'vitest'
import { runCampaign } from '../src/campaign.ts'
import { failureText } from '../src/campaign-report.ts'
import { freshSeed } from '../src/real-world.ts'

const seeds = 20_000
const minutes = 60_000

test(`${seeds} schedules that nobody has run before`, { timeout: 15 * minutes }, async () => {
  const firstSeed = freshSeed()
  console.log(`npm run simulate -- --first-seed ${firstSeed} --seeds ${seeds}`)
  const { done, failed, seconds, cpuSeconds } = await runCampaign({ firstSeed, seeds, workers: 2 })
  console.log(`${done} schedules in ${seconds.toFixed(0)} s, ${Math.round(done / cpuSeconds)} per second of one core`)
  expect(failed.map(failureText).join('\n\n')).toBe('')
  expect(done).toBe(seeds)
})
