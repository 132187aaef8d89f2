import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** The variable that says where the reporter writes. */
export const unhandledErrorsFile = 'WAYBILL_UNHANDLED_ERRORS'

/** What failed the run without being part of a test: vitest prints it where it happened, and its JSON report leaves it out. */
export interface UnhandledError {
  /** The last test that ran before it, as far as that is known. */
  readonly near: string
  readonly why: string
}

/** A vitest reporter that keeps the unhandled errors of a run for the summary at the very end. */
export default class UnhandledErrors implements Reporter {
  onTestRunEnd(_modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env[unhandledErrorsFile]
    if (file !== undefined) writeFileSync(file, JSON.stringify(errors.map(described)))
  }
}

function described({
  type,
  name,
  message,
  stack,
  VITEST_TEST_NAME,
  VITEST_TEST_PATH,
}: SerializedError): UnhandledError {
  const near = VITEST_TEST_NAME ?? VITEST_TEST_PATH ?? 'the run'
  return { near: String(near), why: `${type ?? 'unhandled'}: ${stack ?? `${name}: ${message}`}` }
}
