import { afterAll, beforeAll, describe, test } from 'vitest'
import { keyOf, planOf } from './behaviour.ts'
import { catalogue } from './catalogue.ts'
import { behaviours } from './families/index.ts'
import type { Harness } from './harness.ts'
import { settleReport } from './report.ts'
import { runBehaviour, type CaseResult } from './run-behaviour.ts'

/** For users and rights to be made by a broker's own tools, some of which take seconds to start. */
const openingMs = 120_000

/** So much of the kit: part `part` of `of`, every `of`th case. */
export interface Part {
  /** From 1. */
  readonly part: number
  readonly of: number
}

/**
 * Registers every case of the kit as a vitest test, one after the other, and compares the outcome with the committed
 * report. A case that is refused is a test that proves the refusal; one without its fault control is no test at all.
 *
 * With a `part` it registers that part. Cases mostly wait, so that two or three parts at a time take a fraction of the
 * time; each wants a broker of its own, which faults stop, and a file of its own, which vitest runs in its own process.
 */
export function testConformance(harness: Harness, { part, of }: Part = { part: 1, of: 1 }): void {
  const { capabilities } = harness.createDriver()
  const keys = behaviours.map(keyOf)
  // What no case has any more is the first part's to find.
  const isOwn = (key: string) => Math.max(0, keys.indexOf(key)) % of === part - 1
  const cases = behaviours.filter((each) => isOwn(keyOf(each)))
  const results: CaseResult[] = []
  describe(`${harness.adapter} on ${harness.broker}${harness.standIn ? ' (stand-in)' : ''}`, () => {
    beforeAll(() => harness.open?.(), openingMs)
    afterAll(() => harness.close?.(), openingMs)
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
      if (results.length === cases.length) await settleReport(harness, results, { isOwn, keys })
    })
  })
}
