import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const deadlineMs = 20_000

/** What an example prints on every broker; `npm test` runs it on each and compares. */
export function expectedOutput(example: string): string {
  return readFileSync(new URL(`${example}/output.txt`, import.meta.url), 'utf8')
}

/**
 * What a program of these examples prints, on the broker at `url` if one is given. Rejects when it fails or takes longer
 * than its deadline.
 */
export async function runProgram(file: string, url?: string): Promise<string> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const arguments_ = ['--conditions=@waybill/source', '--disable-warning=ExperimentalWarning', path]
  const env = { ...process.env, ...(url === undefined ? {} : { WAYBILL_URL: url }) }
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, { timeout: deadlineMs, env })
  return stdout
}
