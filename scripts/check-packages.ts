// What npm would get, looked at with publint and are-the-types-wrong, package by package.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { pack } from './test/pack.ts'
import { runStep } from './test/step.ts'
import { publicPackages, root, type WorkspacePackage } from './test/workspace.ts'

const scratch = mkdtempSync(join(tmpdir(), 'waybill-pack-'))
try {
  for (const member of publicPackages()) {
    const tarball = await pack(member, scratch)
    const problems = [...(await published(member, tarball)), ...(await typed(tarball)), ...portable(member)]
    console.log(`${member.manifest.name}: ${problems.length === 0 ? 'clean' : `\n  ${problems.join('\n  ')}`}`)
    if (problems.length > 0) process.exitCode = 1
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function published({ manifest }: WorkspacePackage, tarball: string): Promise<string[]> {
  const { buffer, byteOffset, byteLength } = readFileSync(tarball)
  const { messages } = await publint({
    pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer },
    strict: true,
  })
  return messages.map((message) => `publint: ${formatMessage(message, { ...manifest }, { color: false })}`)
}

async function typed(tarball: string): Promise<string[]> {
  const { ok, output } = await runStep({
    command: process.execPath,
    arguments: [
      join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
      tarball,
      '--profile=esm-only',
      '--no-emoji',
      '--no-color',
      '--format=ascii',
    ],
    deadlineMs: 120_000,
  })
  return ok ? [] : [`are the types wrong: ${output.trim()}`]
}

/** npm cannot read pnpm's `workspace:` ranges, so what users install must not carry them. */
function portable({ manifest }: WorkspacePackage): string[] {
  return Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter(([, range]) => range.startsWith('workspace:'))
    .map(([name, range]) => `package.json: ${name}: ${range} cannot be read by npm; write the version range`)
}
