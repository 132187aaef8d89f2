import { existsSync, readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Count } from './tally.ts'
import type { UnhandledError } from './unhandled-errors.ts'

interface JsonReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

export interface VitestOutcome extends Omit<Count, 'seconds'> {
  /** Full names of the tests that did not run. */
  readonly skippedNames: readonly string[]
  /** What failed: its full name and the beginning of why. */
  readonly failedNames: readonly string[]
}

const shownCharacters = 600

/** Where the reporters of one run write. */
export interface VitestReportFiles {
  /** Of vitest's own JSON reporter. */
  readonly tests: string
  /** Of `unhandled-errors.ts`. */
  readonly unhandledErrors: string
}

/**
 * Reads what the reporters of a vitest run wrote.
 *
 * A file that could not be loaded is one failure, and so is each unhandled error, and a run that ended badly without
 * either (a crash, a report that is not there).
 */
export function readVitestReport(files: VitestReportFiles, endedWell: boolean): VitestOutcome {
  if (!existsSync(files.tests)) return { passed: 0, failed: 1, skipped: 0, skippedNames: [], failedNames: [] }
  const report = JSON.parse(readFileSync(files.tests, 'utf8')) as JsonReport
  const unhandled = existsSync(files.unhandledErrors)
    ? (JSON.parse(readFileSync(files.unhandledErrors, 'utf8')) as readonly UnhandledError[])
    : []
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  const failed = report.numFailedTests + unloaded.length + unhandled.length
  const skippedNames = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName)
  const failedNames = [
    ...unloaded.map(({ name, message = '' }) => named(name, message)),
    ...report.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages = [] }) => named(fullName, failureMessages.join('\n'))),
    ...unhandled.map(({ near, why }) => named(`an unhandled error during or after "${near}"`, why)),
  ]
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !endedWell ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    skippedNames,
    failedNames,
  }
}

function named(name: string, why: string): string {
  const text = stripVTControlCharacters(why).trim().slice(0, shownCharacters)
  return `${name}\n${text.replaceAll(/^/gm, '    ')}`
}
