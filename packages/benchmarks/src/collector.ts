import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Up to here the heap grows without being collected whole. Each collection called for shrinks it so far that V8 would
 * collect it whole every 13 MiB, which takes more than what is measured; a process that has run for long does not.
 */
export const initialHeapMiB = 256

/**
 * Starts this program again where the garbage collector cannot be called, and ends as that one does.
 *
 * Resolves to false when it can be called: go on.
 */
export async function restartedWithCollector(): Promise<boolean> {
  if (globalThis.gc !== undefined) return false
  const flags = ['--expose-gc', `--initial-old-space-size=${initialHeapMiB}`]
  const child = spawn(process.execPath, [...flags, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A terminal sends its interrupt to the whole group: forwarding would interrupt the child twice.
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal))
  }
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]))
  })
  return true
}
