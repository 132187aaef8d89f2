import type { Timings } from '@waybill/conformance'
import type { AdapterName, Mutant } from './mutant.ts'
import { runMutant, type CaseOutcome, type MutantRun } from './mutant-process.ts'

/** What a mutant is run on. */
export interface Ground {
  readonly harness: string
  /** For the harness: where its broker is, or which one it imitates. */
  readonly broker: unknown
  readonly timings?: Partial<Timings>
}

/** Shorter waits than those of the adapter's own tests: most of what a mutant breaks is noticed by something missing. */
export const memoryGround = (profile = 'copies'): Ground => ({
  harness: 'packages/memory/test/memory-harness.ts',
  broker: profile,
  timings: { arriveMs: 1_500, recoverMs: 2_000 },
})

export const adapterGround = (adapter: AdapterName, broker: unknown): Ground => ({
  harness: `packages/${adapter}/test/${adapter}-harness.ts`,
  broker,
})

/** How a mutant fared. It is caught when every case it names is red, and says why. */
export interface Verdict {
  readonly mutant: Mutant
  /** The cases that turned red for the reason declared. */
  readonly red: readonly string[]
  /** The other cases that were asked, and what they came to. */
  readonly problems: readonly string[]
  readonly seconds: number
}

const deadlinePerCaseMs = 60_000

/** Runs a mutant against the cases that it says it turns red, or some of them. */
export async function tryMutant(
  mutant: Mutant,
  ground: Ground,
  cases: readonly string[] = Object.keys(mutant.red),
): Promise<Verdict> {
  const began = performance.now()
  const run = await runCases(ground, cases, mutant)
  const problems = run.crash === undefined ? [] : [`the run broke down: ${run.crash}`]
  const red: string[] = []
  for (const key of cases) {
    const outcome = run.outcomes.find((each) => each.key === key)
    const why = outcome === undefined ? 'did not run' : survivalOf(outcome, mutant.red[key])
    if (why === undefined) red.push(key)
    else problems.push(`${key} ${why}`)
  }
  return { mutant, red, problems, seconds: (performance.now() - began) / 1_000 }
}

/** The cases that are red although nothing is broken: whoever is red then proves nothing. */
export async function tryUnbroken(ground: Ground, cases: readonly string[]): Promise<readonly string[]> {
  const { outcomes, crash } = await runCases(ground, cases)
  const red = outcomes.filter(({ outcome }) => outcome !== 'passed' && outcome !== 'refused')
  const problems = red.map(({ key, outcome, message }) => `${key} ${outcome} with nothing broken: ${message ?? ''}`)
  return crash === undefined ? problems : [...problems, `the run broke down: ${crash}`]
}

function runCases(ground: Ground, cases: readonly string[], mutant?: Mutant): Promise<MutantRun> {
  const wrapper = mutant?.kind === 'driver' ? mutant.name : undefined
  const request = { ...ground, wrapper, patches: mutant?.patches ?? [], cases }
  return runMutant(request, deadlinePerCaseMs * (cases.length + 1))
}

/** Why a case does not count as red; `undefined`: it does. */
function survivalOf({ key, outcome, message = '' }: CaseOutcome, reason: RegExp | undefined): string | undefined {
  if (outcome !== 'failed') return outcome
  if (message.startsWith(`${key}: not within`)) return 'ran into its deadline instead of an assertion'
  if (reason?.test(message)) return undefined
  return `is red for another reason: ${message.slice(0, 400)}`
}
