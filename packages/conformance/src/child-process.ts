import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kit } from './kit.ts'
import { monotonicMs } from './time.ts'

/** A program of the kit in a process of its own. */
export interface Child {
  /** Whole lines of its standard output so far. */
  readonly lines: readonly string[]
  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGUSR2'): void
  /** How it ended, and when, on the clock of the kit. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null; readonly atMs: number }>
  /** What it wrote to standard error. */
  readonly complaints: string
}

/**
 * Starts `programs/<name>` with `options` as JSON. It finds the adapter as an application would: from the folder that
 * the harness names. Killed when the case ends, if it still runs.
 */
export function startChild(kit: Kit, name: 'relay' | 'victim' | 'worker' | 'offer', options: object): Child {
  const ending = extname(import.meta.url)
  const program = fileURLToPath(new URL(`./programs/${name}${ending}`, import.meta.url))
  const conditions = ending === '.ts' ? ['--conditions=@waybill/source'] : []
  const child = spawn(process.execPath, [...conditions, program, JSON.stringify(options)], {
    cwd: fileURLToPath(kit.faults.process.folder),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const lines: string[] = []
  let rest = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
    kit.log.note(`${name} complains`, text)
  })
  const exited = new Promise<Awaited<Child['exited']>>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, atMs: monotonicMs() }))
  })
  kit.defer(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return {
    lines,
    exited,
    signal: (name) => void child.kill(name),
    get complaints() {
      return complaints
    },
  }
}
