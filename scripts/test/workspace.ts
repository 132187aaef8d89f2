import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export interface WorkspacePackage {
  /** The folder's name: `core`. */
  readonly short: string
  /** Absolute. */
  readonly folder: string
  readonly kind: 'package' | 'example'
  readonly manifest: Manifest
}

/** Every package and example of this repository, packages first, each list by name. */
export function workspace(): readonly WorkspacePackage[] {
  return [...membersOf('packages', 'package'), ...membersOf('examples', 'example')]
}

/** The packages that npm gets. */
export function publicPackages(): readonly WorkspacePackage[] {
  return workspace().filter(({ kind, manifest }) => kind === 'package' && manifest.private !== true)
}

function membersOf(parent: string, kind: WorkspacePackage['kind']): WorkspacePackage[] {
  const folder = join(root, parent)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((short) => ({ short, folder: join(folder, short) }))
    .filter((member) => existsSync(join(member.folder, 'package.json')))
    .map((member) => ({ ...member, kind, manifest: readManifest(member.folder) }))
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** Files below a folder whose name ends so, dependencies and build output left out; absolute, sorted. */
export function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/(^|[\\/])(node_modules|dist|\.turbo)[\\/]/.test(relative(folder, file)))
    .sort()
}

/** The path as people see it: from the root, with forward slashes. */
export function shown(file: string): string {
  return relative(root, file).replaceAll('\\', '/')
}
