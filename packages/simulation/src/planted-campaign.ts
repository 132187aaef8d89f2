import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { patched } from '@waybill/source-patch'
import Table from 'cli-table3'
import { runCampaign } from './campaign.ts'
import { type PlantedBug, plantedBugs } from './planted-bugs.ts'
import type { ProfileName } from './profile-name.ts'
import type { Invariant } from './violation.ts'

/** How many seeds a bug may hide for. */
const mostSeeds = 10_000
/** Fixed, so that the report says the same each time. */
const firstSeed = 1
const root = new URL('../../../', import.meta.url)
const reportFile = new URL('../planted-bugs.json', import.meta.url)

/** Where a planted bug was found. */
export interface Finding {
  readonly bug: string
  readonly file: string
  /** Seeds tried, the one that found it included. */
  readonly afterSeeds: number
  readonly profile: ProfileName
  readonly invariant: Invariant
}

/**
 * Plants each bug in turn, or the one that is asked for, and writes where it was found.
 *
 * One thread per bug, so that the number of seeds is the same however many processors there are. Answers the exit code.
 */
export async function runPlanted(workers: number, only: string | undefined): Promise<number> {
  const bugs = plantedBugs.filter(({ name }) => only === undefined || name === only)
  if (bugs.length === 0) throw new Error(`there is no planted bug "${only}"; see planted-bugs.ts`)
  for (const bug of plantedBugs) patched(readFileSync(new URL(bug.file, root), 'utf8'), bug)
  const findings = new Map<string, Finding | undefined>()
  const waiting = [...bugs]
  const work = async (): Promise<void> => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const finding = await find(bug)
      findings.set(bug.name, finding)
      const what = finding === undefined ? 'NOT FOUND' : `${finding.invariant} after ${finding.afterSeeds} seeds`
      process.stderr.write(`${findings.size} of ${bugs.length}: ${bug.name}: ${what}\n`)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const found = bugs.flatMap(({ name }) => findings.get(name) ?? [])
  console.log(table(found))
  console.log(`${found.length} of ${bugs.length} planted bugs found`)
  if (found.length === bugs.length) write(only === undefined ? found : [...readFindings(), ...found])
  return found.length === bugs.length ? 0 : 1
}

/** In the order of the bugs; of two findings of one bug the later counts. */
function write(findings: readonly Finding[]): void {
  const latest = new Map(findings.map((finding) => [finding.bug, finding]))
  const report = plantedBugs.flatMap(({ name }) => latest.get(name) ?? [])
  writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`)
}

/** The committed report. */
export function readFindings(): readonly Finding[] {
  if (!existsSync(reportFile)) return []
  return JSON.parse(readFileSync(reportFile, 'utf8')) as Finding[]
}

export async function find(bug: PlantedBug, seeds: number = mostSeeds): Promise<Finding | undefined> {
  const where = { firstSeed, seeds, profile: bug.profile, workers: 1 }
  const { failed } = await runCampaign({ ...where, stopsAtFirst: true, isBrief: true, patch: bug })
  const [first] = failed
  if (first === undefined) return undefined
  const { seed, profile, violation } = first
  return {
    bug: bug.name,
    file: bug.file,
    afterSeeds: seed - firstSeed + 1,
    profile,
    invariant: violation.invariant,
  }
}

function table(findings: readonly Finding[]): string {
  const shown = new Table({ head: ['planted bug', 'in', 'found after seeds', 'by'], style: { head: [], border: [] } })
  for (const { bug, file, afterSeeds, invariant } of findings) shown.push([bug, file, afterSeeds, invariant])
  return shown.toString()
}
