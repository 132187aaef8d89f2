import { readFileSync } from 'node:fs'
import { patched } from '@waybill/source-patch'
import { expect, test } from 'vitest'
import { runCampaign } from '../src/campaign.ts'
import { failureText } from '../src/campaign-report.ts'
import { plantedBugs } from '../src/planted-bugs.ts'
import { find, readFindings } from '../src/planted-campaign.ts'

const source = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8')
const minute = 60_000

test('every planted bug still fits the core, and the report tells of each', () => {
  for (const bug of plantedBugs) expect(patched(source(bug.file), bug)).not.toBe(source(bug.file))
  expect(readFindings().map(({ bug }) => bug)).toEqual(plantedBugs.map(({ name }) => name))
  expect(plantedBugs.length).toBeGreaterThanOrEqual(25)
  for (const { afterSeeds, bug } of readFindings()) expect(afterSeeds, bug).toBeLessThanOrEqual(10_000)
})

const quick = readFindings().filter(({ afterSeeds }) => afterSeeds <= 10)

test.each(quick.slice(0, 4))('$bug: found as the report says', { timeout: 5 * minute }, async (finding) => {
  const bug = plantedBugs.find(({ name }) => name === finding.bug)!
  expect(await find(bug, 10)).toEqual(finding)
})

test('what fails is told as a short story, with the command that replays it', { timeout: 5 * minute }, async () => {
  const patch = plantedBugs.find(({ name }) => name === 'dead-letters one attempt early')!
  const { failed } = await runCampaign({ firstSeed: 1, seeds: 200, workers: 1, stopsAtFirst: true, patch })
  const [first] = failed
  expect(first).toBeDefined()
  const text = failureText(first!)
  expect(text).toContain(`npm run simulate -- --profile ${first!.profile} --seed ${first!.seed}`)
  expect(text).toContain('VIOLATED dead-lettered-for-cause')
  const sends = text.match(/: sends m\d+/g) ?? []
  expect(sends.length, 'one message is enough to see it').toBe(1)
  expect(text).not.toContain('* ')
})
