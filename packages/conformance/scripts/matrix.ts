import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderMatrix, type NamedReport } from '../src/matrix.ts'
import type { Report } from '../src/report.ts'

// Writes docs/adapters/matrix.md from all committed reports; with --check, fails when the page is not what they give.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = `${root}docs/adapters/matrix.md`
const reports: NamedReport[] = []
for await (const file of glob('packages/*/conformance/*.json', { cwd: root })) {
  const report = JSON.parse(await readFile(`${root}${file}`, 'utf8')) as Report
  reports.push({ ...report, profile: basename(file, '.json') })
}
const text = renderMatrix(reports)
if (process.argv.includes('--check')) {
  const present = await readFile(page, 'utf8').catch(() => '')
  if (present !== text) {
    console.error('docs/adapters/matrix.md is not what the reports give: run npm run matrix')
    process.exitCode = 1
  }
} else {
  await mkdir(dirname(page), { recursive: true })
  await writeFile(page, text)
}
