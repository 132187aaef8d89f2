import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'

const installDeadlineMs = 10 * 60_000

/** Whether this process may install packages: root on Debian, Ubuntu or a distribution derived from them. */
export function canInstallPackages(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    const release = readFileSync('/etc/os-release', 'utf8')
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(release)
  } catch {
    return false
  }
}

/** Installs packages of the host's distribution, without asking and without starting their services. */
export async function installPackages(names: readonly string[]): Promise<void> {
  const options = { deadlineMs: installDeadlineMs, env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } }
  await runCommand('apt-get', ['update'], options)
  await runCommand('apt-get', ['install', '-y', '--no-install-recommends', ...names], options)
}

/** Where a program is, in the search path or the administrator's folders; `undefined` when it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`.split(':')
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))
}
