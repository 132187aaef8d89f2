// The public API of every package and export as text, committed as packages/*/api/*.api.md.
// Without arguments: compares with what was built. With --update: writes the reports anew.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel, type IConfigFile } from '@microsoft/api-extractor'
import { runStep } from './test/step.ts'
import { publicPackages, root, shown, type WorkspacePackage } from './test/workspace.ts'

const update = process.argv.includes('--update')
const scratch = mkdtempSync(join(tmpdir(), 'waybill-api-'))
try {
  for (const member of publicPackages()) await checkPackage(member)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

async function checkPackage(member: WorkspacePackage): Promise<void> {
  const folder = join(member.folder, 'api')
  const expected = new Set<string>()
  for (const [name, target] of Object.entries(member.manifest.exports ?? {})) {
    if (typeof target === 'string' || target.types === undefined) continue
    const report = `${[member.short, ...name.split('/').slice(1)].join('-')}.api.md`
    expected.add(report)
    const text = extract(member, target.types, report)
    if (text === undefined) process.exitCode = 1
    else await settle(join(folder, report), text)
  }
  const committed = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.api.md')) : []
  for (const stale of committed.filter((file) => !expected.has(file))) {
    if (update) rmSync(join(folder, stale))
    else complain(`${shown(join(folder, stale))} belongs to no export; run npm run api:update`)
  }
}

async function settle(file: string, text: string): Promise<void> {
  const committed = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  if (committed === text) return console.log(`${shown(file)}: unchanged`)
  if (update) {
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
    return console.log(`${shown(file)}: ${committed === undefined ? 'written' : 'updated'}`)
  }
  if (committed === undefined) return complain(`${shown(file)} is not there; run npm run api:update and commit it`)
  complain(`${shown(file)} differs from what was built; if that is meant, run npm run api:update and commit it`)
  const fresh = join(scratch, basename(file))
  const { output } = await runStep({
    command: 'git',
    arguments: ['diff', '--no-index', '--no-color', '--', file, fresh],
    deadlineMs: 30_000,
  })
  console.log(output)
}

/** The report of one entry point, or nothing when it could not be made (then the reason has been printed). */
function extract(member: WorkspacePackage, types: string, reportFileName: string): string | undefined {
  const entry = join(member.folder, types)
  if (!existsSync(entry)) {
    complain(`${shown(entry)} is not there; run npm run build`)
    return undefined
  }
  const none = { logLevel: ExtractorLogLevel.None }
  const configObject: IConfigFile = {
    projectFolder: member.folder,
    mainEntryPointFilePath: entry,
    newlineKind: 'lf',
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: 'es2023',
          lib: ['es2023', 'esnext.disposable'],
          module: 'nodenext',
          strict: true,
          skipLibCheck: true,
          types: ['node'],
        },
        files: [entry],
      },
    },
    apiReport: { enabled: true, reportFileName, reportFolder: scratch, reportTempFolder: join(scratch, 'temp') },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      extractorMessageReporting: {
        default: { logLevel: ExtractorLogLevel.None },
        // A public declaration that mentions one which nobody can import: shown in the report, so that it is reviewed.
        'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
      },
      tsdocMessageReporting: { default: none },
    },
  }
  const config = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: join(member.folder, 'package.json'),
  })
  const errors: string[] = []
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) errors.push(message.formatMessageWithLocation(root))
      message.handled = true
    },
  })
  if (errors.length === 0) return readFileSync(join(scratch, reportFileName), 'utf8')
  complain(`${member.manifest.name}: ${errors.join('\n')}`)
  return undefined
}

function complain(sentence: string): void {
  console.log(sentence)
  process.exitCode = 1
}
