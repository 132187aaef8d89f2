import { afterAll, beforeAll, describe, test } from 'vitest'
import { keyOf, planOf, type Behaviour } from './behaviour.ts'
import { catalogue } from './catalogue.ts'
import { behaviours } from './families/index.ts'
import type { Harness } from './harness.ts'
import { settleReport } from './report.ts'
import { runBehaviour, type CaseResult } from './run-behaviour.ts'

/**
 * Registers every case of the kit as a vitest test, one after the other, and compares the outcome with the committed
 * report. A case that is refused is a test that proves the refusal; one without its fault control is no test at all.
 */
export function testConformance(harness: Harness, cases: readonly Behaviour[] = behaviours): void {
  const { capabilities } = harness.createDriver()
  const results: CaseResult[] = []
  describe(`${harness.adapter} on ${harness.broker}${harness.standIn ? ' (stand-in)' : ''}`, () => {
    beforeAll(() => harness.open?.())
    afterAll(() => harness.close?.())
    for (const behaviour of cases) {
      const plan = planOf(behaviour, harness, capabilities)
      const key = keyOf(behaviour)
      if (plan.kind === 'notRun') {
        results.push({ key, outcome: 'notRun', fault: plan.fault })
        console.log(`${harness.profile}: ${key} not run: no fault control (${plan.fault})`)
        continue
      }
      const refused = plan.kind === 'refusal' ? ` [refused: ${plan.capability}]` : ''
      test(`${key} ${catalogue[behaviour.id]}${refused}`, { timeout: 0, retry: 0 }, async () => {
        const result = await runBehaviour(harness, behaviour)
        results.push(result)
        if (result.outcome === 'failed') throw result.error
      })
    }
    test('the outcome is the one committed', async () => {
      if (results.some(({ outcome }) => outcome === 'failed')) return
      if (results.length === cases.length) await settleReport(harness, results)
    })
  })
}
