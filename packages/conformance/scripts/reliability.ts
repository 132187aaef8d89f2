import { glob, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { withLongFigures } from '../src/long-page.ts'
import type { LongReport } from '../src/long-report.ts'

// Writes the figures of all committed long runs into docs/reliability.md; with --check, fails when they are others.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = `${root}docs/reliability.md`
const reports: LongReport[] = []
for await (const file of glob('packages/*/conformance/long/*.json', { cwd: root })) {
  reports.push(JSON.parse(await readFile(`${root}${file}`, 'utf8')) as LongReport)
}
const present = await readFile(page, 'utf8')
const text = withLongFigures(present, reports)
if (!process.argv.includes('--check')) await writeFile(page, text)
else if (present !== text) {
  console.error('docs/reliability.md does not say what the reports of the long runs say: run npm run reliability')
  process.exitCode = 1
}
