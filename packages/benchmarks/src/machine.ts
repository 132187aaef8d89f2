import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'

/** The machine and the versions, without what identifies the machine. */
export function machineDescription(): string[] {
  const model = cpus()[0]?.model.trim() ?? 'unknown'
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(0)
  return [
    `${availableParallelism()} cores (${model}), ${memoryGiB} GiB of memory`,
    `${platform()} ${release().split('-')[0]} ${arch()}, Node ${process.versions.node} (V8 ${process.versions.v8})`,
  ]
}

/** `2026-11-22` */
export function today(): string {
  return new Date().toISOString().slice(0, 10)
}

/** The installed version of a package; `undefined` when it is not installed. */
export function versionOf(packageName: string): string | undefined {
  try {
    const file = findPackageJSON(packageName, import.meta.url)
    return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  } catch {
    return undefined
  }
}
