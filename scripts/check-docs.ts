// The documentation against the product: every ```ts block compiles with the built packages, every relative link leads
// somewhere, every conformance id is in the catalogue.
//
//   ```ts                          a program of its own
//   ```ts continues                goes on where the blocks before it in this document stopped
//   ```ts no-check: <reason>       not compiled
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import { type CodeBlock, type MarkdownDocument, readMarkdown } from './test/markdown.ts'
import { filesBelow, root, shown, workspace } from './test/workspace.ts'

interface Program {
  readonly document: string
  readonly blocks: readonly CodeBlock[]
}

const problems: string[] = []
const documents = new Map(documentFiles().map((file) => [file, readMarkdown(file)]))
const programs = [...documents].flatMap(([file, document]) => programsOf(file, document))
checkPrograms(programs)
for (const [file, document] of documents) checkLinks(file, document)
checkIds()

for (const problem of problems) console.log(problem)
if (problems.length > 0) process.exitCode = 1
else console.log(`${documents.size} documents, ${programs.length} programs: all in order`)

function documentFiles(): string[] {
  const ofRoot = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'].map((name) => join(root, name))
  const ofMembers = workspace().map(({ folder }) => join(folder, 'README.md'))
  return [...ofRoot, ...filesBelow(join(root, 'docs'), '.md'), ...ofMembers].filter((file) => existsSync(file))
}

function programsOf(file: string, { blocks }: MarkdownDocument): Program[] {
  const result: Program[] = []
  for (const block of blocks.filter(({ language }) => ['ts', 'typescript'].includes(language))) {
    const [word = '', ...reason] = block.meta.split(/[:\s]+/).filter(Boolean)
    const where = `${shown(file)}:${block.line}`
    if (word === 'no-check') {
      if (reason.length === 0) problems.push(`${where}: no-check needs a reason: \`\`\`ts no-check: <reason>`)
    } else if (word === 'continues') {
      const last = result.pop()
      if (last === undefined) problems.push(`${where}: continues nothing`)
      else result.push({ document: file, blocks: [...last.blocks, block] })
    } else {
      if (word !== '') problems.push(`${where}: "${block.meta}" is not known; known: continues, no-check: <reason>`)
      result.push({ document: file, blocks: [block] })
    }
  }
  return result
}

function checkPrograms(all: readonly Program[]): void {
  const folder = join(root, '.waybill', 'docs')
  mkdirSync(folder, { recursive: true })
  const sources = new Map(all.map((program, index) => [join(folder, `${index}.ts`), program]))
  for (const [file, { blocks }] of sources) {
    // Blank lines keep every block at the lines it has in its document.
    const lines: string[] = []
    for (const { line, text } of blocks) {
      while (lines.length < line - 1) lines.push('')
      lines.push(...text.split('\n'))
    }
    writeFileSync(file, `${lines.join('\n')}\nexport {}\n`)
  }
  const compiler = ts.createProgram([...sources.keys()], compilerOptions())
  for (const { file, start, messageText } of ts.getPreEmitDiagnostics(compiler)) {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    const program = file === undefined ? undefined : sources.get(resolve(file.fileName))
    if (file === undefined || start === undefined) problems.push(text)
    else {
      const line = file.getLineAndCharacterOfPosition(start).line + 1
      problems.push(`${shown(program?.document ?? file.fileName)}:${line}: ${text}`)
    }
  }
}

function compilerOptions(): ts.CompilerOptions {
  return {
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    experimentalDecorators: true,
    paths: builtTypes(),
  }
}

/** Import specifier to built declarations, of everything this repository exports, and what the packages depend on. */
function builtTypes(): Record<string, string[]> {
  const paths: Record<string, string[]> = {}
  for (const { folder, manifest } of workspace()) {
    for (const [name, target] of Object.entries(manifest.exports ?? {})) {
      const types = typeof target === 'string' ? undefined : target.types
      if (types !== undefined) paths[join(manifest.name, name).replaceAll('\\', '/')] = [join(folder, types)]
    }
    for (const name of Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.devDependencies,
    })) {
      if (name.startsWith('@waybill/') || existsSync(join(root, 'node_modules', name))) continue
      paths[name] ??= [join(folder, 'node_modules', name), join(folder, 'node_modules/@types', name)]
    }
  }
  return paths
}

function checkLinks(file: string, { links, anchors }: MarkdownDocument): void {
  for (const { target, line } of links) {
    if (/^[a-z][a-z+.-]*:/i.test(target)) continue
    const [path = '', anchor] = decodeURI(target).split('#')
    const destination = path === '' ? file : resolve(dirname(file), path)
    const where = `${shown(file)}:${line}`
    if (!existsSync(destination)) problems.push(`${where}: ${target} leads nowhere`)
    else if (anchor !== undefined && destination.endsWith('.md') && statSync(destination).isFile()) {
      const known = destination === file ? anchors : (documents.get(destination) ?? readMarkdown(destination)).anchors
      if (!known.has(anchor)) problems.push(`${where}: ${target}: no such heading`)
    }
  }
}

/** Ids stand in documents and in doc comments; the catalogue is in the kit. */
function checkIds(): void {
  const quoted = /['"`]([A-Z]{3}-\d{2})['"`]/g
  const kit = filesBelow(join(root, 'packages/conformance/src'), '.ts')
  const known = new Set(
    kit.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(quoted)].map((match) => match[1])),
  )
  const families = new Set([...known].map((id) => id?.slice(0, 3)))
  const commented = workspace().flatMap(({ folder }) => filesBelow(join(folder, 'src'), '.ts'))
  for (const file of [...documents.keys(), ...commented]) {
    for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
      for (const [id] of text.matchAll(/\b[A-Z]{3}-\d{2}\b/g)) {
        if (families.has(id.slice(0, 3)) && !known.has(id)) {
          problems.push(`${shown(file)}:${index + 1}: ${id} is not in the conformance catalogue`)
        }
      }
    }
  }
  if (known.size === 0) problems.push('packages/conformance/src names no behaviour: ids in the docs cannot be checked')
}
