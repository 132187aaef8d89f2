import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { sessionOf } from './session.ts'

let watched = false

/**
 * From now on the containers of this process are removed when it ends, however it ends.
 *
 * A detached watchdog holds the other end of a pipe, so neither `kill -9` nor a closed terminal leaves a container behind.
 * It keeps neither this process alive nor its terminal busy. Calling again does nothing.
 */
export function watchOwnContainers(): void {
  if (watched) return
  watched = true
  const source = import.meta.url.endsWith('.ts') ? './watchdog.ts' : './watchdog.js'
  const watchdog = spawn(process.execPath, [fileURLToPath(new URL(source, import.meta.url)), sessionOf(process.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog.on('error', () => {})
  watchdog.unref()
  const pipe = watchdog.stdin as unknown as Socket
  pipe.on('error', () => {})
  pipe.unref()
}
