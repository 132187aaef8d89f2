// Proves that the lint rules against hidden time and chance still bite: each line below must be refused in every
// package that runs in production, and allowed in the two files that are the system's clock and randomness.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runStep } from './test/step.ts'
import { root } from './test/workspace.ts'

const forbidden = [
  'export const a = Date.now()',
  'export const a = new Date()',
  'export const a = Date()',
  'export const a = performance.now()',
  'export const a = process.hrtime.bigint()',
  'export const a = setTimeout(() => {}, 1)',
  'export const a = setInterval(() => {}, 1)',
  'export const a = setImmediate(() => {})',
  'export const a = globalThis.setTimeout(() => {}, 1)',
  'export const a = AbortSignal.timeout(1)',
  'export const { now } = Date',
  'export const a = Math.random()',
  'export const a = crypto.randomUUID()',
  "import { setTimeout as a } from 'node:timers/promises'\nexport const b = a(1)",
  "import { randomUUID } from 'node:crypto'\nexport const a = randomUUID()",
  "export * from './other.ts'",
]
const allowed = ['export const a = (ms: number): Date => new Date(ms)']
const ruled = [
  'packages/core/src',
  'packages/core/src/driver',
  'packages/memory/src',
  'packages/rabbitmq/src',
  'packages/kafka/src',
  'packages/simulation/src',
]
const exempt: Readonly<Record<string, string>> = {
  'packages/core/src/driver/clock.ts': 'export const a = [Date.now(), new Date(), setTimeout(() => {}, 1)]',
  'packages/core/src/driver/random.ts': 'export const a = [Math.random(), crypto.randomUUID()]',
  'packages/simulation/src/real-world.ts': 'export const a = [performance.now(), setImmediate(() => {})]',
}

const files = new Map<string, { readonly text: string; readonly refused: boolean }>()
for (const folder of ruled) {
  for (const [index, text] of forbidden.entries()) files.set(`${folder}/forbidden-${index}.ts`, { text, refused: true })
  for (const [index, text] of allowed.entries()) files.set(`${folder}/allowed-${index}.ts`, { text, refused: false })
}
for (const [file, text] of Object.entries(exempt)) files.set(file, { text, refused: false })

const folder = mkdtempSync(join(tmpdir(), 'waybill-lint-'))
try {
  cpSync(join(root, 'biome.json'), join(folder, 'biome.json'))
  cpSync(join(root, 'scripts/lint'), join(folder, 'scripts/lint'), { recursive: true })
  for (const [file, { text }] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), `${text}\n`)
  }
  const { output } = await runStep({
    command: process.execPath,
    arguments: [
      join(root, 'node_modules/@biomejs/biome/bin/biome'),
      'lint',
      '--diagnostic-level=error',
      '--max-diagnostics=none',
      '--colors=off',
    ],
    folder,
    deadlineMs: 60_000,
  })
  const reported = new Set([...output.matchAll(/^(packages\/\S+\.ts):\d/gm)].map((match) => match[1]))
  const wrong = [...files].filter(([file, { refused }]) => reported.has(file) !== refused)
  for (const [file, { text, refused }] of wrong) {
    console.log(`${file}: ${refused ? 'is allowed and must not be' : 'is refused and must not be'}: ${text}`)
  }
  if (reported.size === 0) console.log(output)
  if (wrong.length > 0) process.exitCode = 1
  else console.log(`${files.size} files: each refused or allowed as it should be`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
