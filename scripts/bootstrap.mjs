// Sets a fresh clone up with nothing but Node 20 and npm, then runs a program of this repository on the pinned Node:
//   node scripts/bootstrap.mjs [--build <turbo filter>] [<program> [its arguments]]
// Each step is skipped when a hash of its inputs says that it was done before.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const oldestNode = 20
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const stamps = join(root, 'node_modules', '.waybill')

const arguments_ = process.argv.slice(2)
const filters = []
while (arguments_[0] === '--build') filters.push(`--filter=${arguments_.splice(0, 2)[1]}`)
const [program, ...programArguments] = arguments_

if (Number(process.versions.node.split('.')[0]) < oldestNode) {
  stop(`Node ${oldestNode} or newer is needed to start; this is ${process.version}.`)
}

await step({
  title: `installing packages (${packageManager.replace('@', ' ')})`,
  stamp: 'install',
  inputs: manifests(),
  outputs: () => ['node_modules/.pnpm', relative(root, pinnedNode())],
  run: () => pnpm('install', '--frozen-lockfile', '--prefer-offline', '--config.confirmModulesPurge=false'),
  hint: 'Is the package registry reachable, and is pnpm-lock.yaml committed together with every package.json?',
})
await step({
  title: 'building',
  stamp: `build${filters.join('').replace(/[^a-z-]+/g, '.')}`,
  inputs: [...manifests(), ...sources()],
  outputs: builtFolders,
  run: () => pnpm('exec', 'turbo', 'run', 'build', ...filters, '--output-logs=errors-only', '--ui=stream'),
  hint: 'The first error above says which file to mend.',
})
if (program === undefined) process.exit(0)
const { code, signal } = await start(pinnedNode(), [join(root, program), ...programArguments], 'inherit').ended
process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : code)

/** Runs one step unless its inputs are those of the last success and its outputs are there. */
async function step({ title, stamp, inputs, outputs, run, hint }) {
  const file = join(stamps, stamp)
  const hash = hashOf(inputs)
  const last = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  if (last?.hash === hash && last.outputs.every((output) => existsSync(join(root, output)))) return
  rmSync(file, { force: true })
  process.stderr.write(`waybill: ${title} ...\n`)
  const began = Date.now()
  const { child, ended } = run()
  const output = []
  child.stdout.on('data', (chunk) => output.push(chunk))
  child.stderr.on('data', (chunk) => output.push(chunk))
  const { code, signal, error } = await ended
  if (signal) process.exit(128 + (constants.signals[signal] ?? 0))
  if (code !== 0) {
    process.stderr.write(Buffer.concat(output))
    stop(`${title} failed (${error ? error.message : `exit status ${code}`}). ${hint}`)
  }
  mkdirSync(stamps, { recursive: true })
  writeFileSync(file, JSON.stringify({ hash, outputs: outputs() }))
  process.stderr.write(`waybill: ${title}: done in ${((Date.now() - began) / 1000).toFixed(1)} s\n`)
}

function pnpm(...pnpmArguments) {
  return start(
    'npx',
    ['--yes', '--prefer-offline', '--loglevel=error', packageManager, ...pnpmArguments],
    ['ignore', 'pipe', 'pipe'],
  )
}

/** Starts a child that gets the signals this process gets; `ended` never rejects. */
function start(command, commandArguments, stdio) {
  const path = [dirname(pinnedNode()), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  const child = spawn(command, commandArguments, {
    cwd: root,
    stdio,
    // npx is a .cmd file on Windows, which only a shell starts.
    shell: process.platform === 'win32' && command === 'npx',
    env: {
      ...process.env,
      ...(stdio === 'inherit' ? { PATH: path } : {}),
      TURBO_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
    },
  })
  const forward = (signal) => {
    // A terminal sends its interrupt to the whole group: forwarding would interrupt the child twice.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of forwarded) process.on(signal, forward)
  // npm passes a signal on to its shell only, and the shell dies of it without a word: notice being orphaned.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM')
  }, 500)
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, error }))
    child.on('close', (code, signal) => resolve({ code, signal }))
  }).finally(() => {
    clearInterval(watch)
    for (const signal of forwarded) process.off(signal, forward)
  })
  return { child, ended }
}

/** Node of the version in the lockfile. */
function pinnedNode() {
  return join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

function workspaceFolders() {
  return ['packages', 'examples']
    .filter((parent) => existsSync(join(root, parent)))
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(parent, name)))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .sort()
}

function manifests() {
  const own = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', '.npmrc']
  return [
    ...own.filter((file) => existsSync(join(root, file))),
    ...workspaceFolders().map((folder) => join(folder, 'package.json')),
  ]
}

function sources() {
  const configuration = readdirSync(root).filter((name) => /^(tsconfig.*|turbo)\.json$/.test(name))
  return [...configuration, ...workspaceFolders().flatMap((folder) => filesOf(folder))]
}

function filesOf(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return ['node_modules', 'dist', '.turbo', 'coverage', 'test'].includes(entry.name) ? [] : filesOf(path)
    return /\.(ts|json)$/.test(entry.name) ? [path] : []
  })
}

function builtFolders() {
  return workspaceFolders()
    .map((folder) => join(folder, 'dist'))
    .filter((folder) => existsSync(join(root, folder)))
}

function hashOf(files) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function stop(sentence) {
  process.stderr.write(`waybill: ${sentence}\n`)
  process.exit(1)
}
