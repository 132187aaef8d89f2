import { readFileSync } from 'node:fs'
import { agreementPage, declarationProblems, disagreements } from '@waybill/simulation'
import { expect, it } from 'vitest'
import { kafka } from '../src/index.ts'
import { brokerUrl } from './kafka-bench.ts'
import { agreementOn, pageFile } from './log-agreement.ts'

it('declares what the log of the simulation declares, but for what has a reason', () => {
  expect(declarationProblems(kafka({ url: brokerUrl }).capabilities)).toEqual([])
})

it('does what the log of the simulation does, by the same rules', { timeout: 180_000 }, async () => {
  const agreement = await agreementOn(brokerUrl, (step) => console.log(step))
  expect(disagreements(agreement)).toEqual([])
  const committed = readFileSync(pageFile, 'utf8')
  expect(withoutFigures(committed), 'npm run agreement writes it anew').toEqual(
    withoutFigures(agreementPage(agreement, '')),
  )
})

/** The rows of the page, without what is another each time. */
function withoutFigures(page: string): readonly string[] {
  return page.split('\n').flatMap((line) => (line.startsWith('|') ? line.replaceAll(/ [\d,]+ \|/g, ' |') : []))
}
