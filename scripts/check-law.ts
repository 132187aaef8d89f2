// The dependency law: which package may import what, from source and from package.json, one index.ts per export.
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import {
  filesBelow,
  type Manifest,
  readManifest,
  root,
  shown,
  type WorkspacePackage,
  workspace,
} from './test/workspace.ts'

const adapters = ['memory', 'rabbitmq', 'kafka', 'mqtt', 'stomp', 'sqs', 'gcp-pubsub', 'azure-service-bus']
const testTools = ['@waybill/conformance', '@waybill/brokers', '@waybill/memory', '@waybill/simulation']

/** What the source of a package may import of ours; the empty list: nothing. A package not named here may import any. */
function mayImport(short: string, fileInSource: string): readonly string[] | undefined {
  if (short === 'core' || short === 'brokers') return []
  if (short === 'memory' && fileInSource.startsWith('testing/')) return ['@waybill/core', '@waybill/core/driver']
  if (adapters.includes(short)) return ['@waybill/core/driver']
  if (short === 'conformance') return ['@waybill/core', '@waybill/core/driver']
  return undefined
}

/** Test tools that every package has from the root. */
const shared = readManifest(root).devDependencies ?? {}

const problems = workspace().flatMap((member) => [
  ...sourceProblems(member),
  ...testProblems(member),
  ...(member.kind === 'package' ? manifestProblems(member) : []),
])
for (const problem of problems) console.log(problem)
if (problems.length > 0) process.exitCode = 1
else console.log('the dependency law holds')

function sourceProblems(member: WorkspacePackage): string[] {
  const source = join(member.folder, 'src')
  const declared = { ...member.manifest.dependencies, ...member.manifest.peerDependencies }
  return filesBelow(source, '.ts').flatMap((file) => {
    const allowed = mayImport(member.short, relative(source, file).replaceAll('\\', '/'))
    return importsOf(file).flatMap((specifier) => {
      const name = packageOf(specifier)
      if (name === undefined) return strayProblem(member, file, specifier)
      if (name === member.manifest.name) return [`${shown(file)}: imports its own package; use a relative path`]
      if (name.startsWith('@waybill/') && allowed !== undefined && !allowed.includes(specifier)) {
        return [`${shown(file)}: may not import ${specifier}; allowed of ours: ${allowed.join(', ') || 'nothing'}`]
      }
      return name in declared
        ? []
        : [`${shown(file)}: ${name} is not in its package.json as dependency or peer dependency`]
    })
  })
}

/** A test of one adapter that imports another one tests two things. */
function testProblems(member: WorkspacePackage): string[] {
  const declared = {
    ...member.manifest.dependencies,
    ...member.manifest.peerDependencies,
    ...member.manifest.devDependencies,
  }
  const others = adapters.filter((name) => name !== member.short && name !== 'memory').map((name) => `@waybill/${name}`)
  return filesBelow(join(member.folder, 'test'), '.ts').flatMap((file) =>
    importsOf(file).flatMap((specifier) => {
      const name = packageOf(specifier)
      if (name === undefined || name === member.manifest.name) return []
      if (adapters.includes(member.short) && others.includes(name))
        return [`${shown(file)}: an adapter's test may not import ${name}`]
      return name in declared || name in shared ? [] : [`${shown(file)}: ${name} is not in its package.json`]
    }),
  )
}

function manifestProblems({ short, folder, manifest }: WorkspacePackage): string[] {
  const where = `packages/${short}/package.json`
  const ours = (list: Manifest['dependencies']): string[] =>
    Object.keys(list ?? {}).filter((name) => name.startsWith('@waybill/'))
  const problems = Object.entries(manifest.exports ?? {}).flatMap(([name, target]) =>
    exportProblems(folder, where, name, target),
  )
  if (short === 'core' && Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).length > 0) {
    const required = Object.keys(manifest.dependencies ?? {})
    if (required.length > 0) problems.push(`${where}: core has no runtime dependencies; found ${required.join(', ')}`)
  }
  if (adapters.includes(short)) {
    if (ours(manifest.dependencies).length > 0)
      problems.push(`${where}: @waybill/core is a peer dependency of an adapter`)
    if (!ours(manifest.peerDependencies).includes('@waybill/core'))
      problems.push(`${where}: @waybill/core is not a peer dependency`)
    const stray = ours(manifest.devDependencies).filter((name) => name !== '@waybill/core' && !testTools.includes(name))
    if (stray.length > 0) problems.push(`${where}: adapters do not know each other; found ${stray.join(', ')}`)
  }
  if (short === 'brokers' && ours({ ...manifest.dependencies, ...manifest.peerDependencies }).length > 0) {
    problems.push(`${where}: brokers depends on nothing of ours`)
  }
  return problems
}

function exportProblems(
  folder: string,
  where: string,
  name: string,
  target: string | Readonly<Record<string, string>>,
): string[] {
  if (typeof target === 'string') return []
  const source = target['@waybill/source']
  if (source === undefined) return [`${where}: export ${name} has no @waybill/source condition`]
  const single = `./src/${name.slice(2)}.ts`
  if (!source.endsWith('/index.ts') && source !== single)
    return [`${where}: export ${name} is ${source}, neither an index.ts of its own nor ${single}`]
  return existsSync(join(folder, source)) ? [] : [`${where}: export ${name} names ${source}, which is not there`]
}

/** A relative import must stay inside the package and name a file that is there. */
function strayProblem(member: WorkspacePackage, file: string, specifier: string): string[] {
  if (!specifier.startsWith('.')) return []
  const target = resolve(dirname(file), specifier)
  return relative(join(member.folder, 'src'), target).startsWith('..') && !target.endsWith('package.json')
    ? [`${shown(file)}: ${specifier} leaves the package's source`]
    : []
}

function importsOf(file: string): string[] {
  return ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles.map(({ fileName }) => fileName)
}

/** `@a/b` of `@a/b/c`; nothing for relative paths and what Node brings. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('#') || isBuiltin(specifier)) return undefined
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
