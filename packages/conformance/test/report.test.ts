import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, test, vi } from 'vitest'
import { renderMatrix } from '../src/matrix.ts'
import { differences, formatReport, reportOf, settleReport } from '../src/report.ts'
import type { CaseResult } from '../src/run-behaviour.ts'
import { stubHarness } from './stub-harness.ts'

const results: CaseResult[] = [
  { key: 'MSG-01', outcome: 'refused', capability: 'replay' },
  { key: 'SND-01', outcome: 'passed', sizes: {} },
  { key: 'SND-01/after a kill', outcome: 'notRun', fault: 'kill' },
  { key: 'SND-11', outcome: 'passed', sizes: { sends: { reduced: 20, full: 100 } } },
]

afterEach(() => vi.unstubAllEnvs())

test('one line per result, in the order of the catalogue', () => {
  const text = formatReport(reportOf(stubHarness(), results))
  deepEqual(JSON.parse(text), reportOf(stubHarness(), results))
  match(text, /"SND-01\/after a kill": \{ "outcome": "notRun", "fault": "kill" \},\n {4}"SND-11": .*\n {4}"MSG-01"/)
})

test('a failed case has no place in a report', () => {
  throws(() => reportOf(stubHarness(), [{ key: 'SND-01', outcome: 'failed', error: new Error('x') }]), /SND-01 failed/)
})

test('differences in words', () => {
  const committed = reportOf(stubHarness(), results)
  const run = reportOf({ ...stubHarness(), broker: 'Stub 2' }, [
    { key: 'SND-01', outcome: 'passed', sizes: {} },
    { key: 'SND-01/after a kill', outcome: 'passed', sizes: {} },
    { key: 'SND-02', outcome: 'passed', sizes: {} },
    { key: 'SND-11', outcome: 'passed', sizes: { sends: { reduced: 10, full: 100 } } },
  ])
  deepEqual(differences(committed, committed), [])
  deepEqual(differences(committed, run), [
    'broker: committed Stub 1, this run Stub 2',
    'SND-01/after a kill: committed not run (no fault control: kill), this run passed',
    'SND-11: committed passed (20 of 100 sends), this run passed (10 of 100 sends)',
    'MSG-01: committed refused (replay), this run nothing',
    'SND-02: committed nothing, this run passed',
  ])
})

test('writes where nothing is committed, then compares, and writes again only when told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-report-'))
  try {
    vi.stubEnv('CI', '')
    vi.stubEnv('WAYBILL_UPDATE_REPORT', '')
    const harness = { ...stubHarness(), reports: pathToFileURL(`${folder}/`) }
    await settleReport(harness, results)
    await settleReport(harness, results)
    await rejects(settleReport(harness, results.slice(1)), /MSG-01: committed refused \(replay\), this run nothing/)
    vi.stubEnv('WAYBILL_UPDATE_REPORT', '1')
    await settleReport(harness, results.slice(1))
    equal((await readFile(join(folder, 'stub-1.json'), 'utf8')).includes('MSG-01'), false)
    vi.stubEnv('CI', 'true')
    await rejects(settleReport(harness, results), /MSG-01/)
    await rejects(settleReport({ ...harness, profile: 'new' }, results), /not committed/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('parts compare and write what is theirs, whichever is first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-report-'))
  try {
    vi.stubEnv('CI', '')
    vi.stubEnv('WAYBILL_UPDATE_REPORT', '1')
    const harness = { ...stubHarness(), reports: pathToFileURL(`${folder}/`) }
    const keys = ['SND-01', 'SND-01/after a kill', 'SND-11', 'MSG-01']
    const [odd, even] = [1, 0].map((rest) => {
      const isOwn = (key: string) => keys.indexOf(key) % 2 === rest
      return { scope: { isOwn, keys }, own: results.filter(({ key }) => isOwn(key)) }
    })
    await settleReport(harness, odd!.own, odd!.scope)
    await settleReport(harness, even!.own, even!.scope)
    const text = await readFile(join(folder, 'stub-1.json'), 'utf8')
    equal(text, formatReport(reportOf(harness, results)))
    vi.stubEnv('WAYBILL_UPDATE_REPORT', '')
    await settleReport(harness, odd!.own, odd!.scope)
    await rejects(settleReport(harness, even!.own.slice(1), even!.scope), /this run nothing/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the matrix shows parts and exceptions', () => {
  const text = renderMatrix([{ ...reportOf(stubHarness(), results), profile: 'stub-1' }])
  match(text, /\| stub-1 \| `@waybill\/stub` \| Stub 1 \(stand-in, not the product\) \| 2 \| 1 \| 1 \|/)
  match(text, /\| \*\*SND-01\*\* .* \| ✓<br>after a kill: \*not run\* \(`kill`\) \|/)
  match(text, /\| \*\*MSG-01\*\* .* \| \*refused\* \(`replay`\) \|/)
})
