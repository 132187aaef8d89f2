import { type ChildProcess, spawn } from 'node:child_process'
import { root } from './workspace.ts'

export interface Step {
  readonly command: string
  readonly arguments: readonly string[]
  /** Absolute; default: the root. */
  readonly folder?: string
  readonly environment?: Readonly<Record<string, string>>
  /** A step that takes longer is killed with everything it started, and has failed. */
  readonly deadlineMs: number
  /** Shows the output while it comes; otherwise it is only collected. */
  readonly live?: boolean
}

export interface StepResult {
  readonly ok: boolean
  readonly output: string
  readonly seconds: number
  /** Why it is not ok, in a few words. */
  readonly reason: string
}

const killGraceMs = 15_000
const closeGraceMs = 2_000
// A step of a step stays in the group of the outer one, which ends both.
const stepMark = 'WAYBILL_STEP'
const ownGroup = process.platform !== 'win32' && process.env[stepMark] === undefined
const running = new Set<ChildProcess>()

/** Runs a program in a process group of its own, so that nothing it started outlives it. Never rejects. */
export function runStep(step: Step): Promise<StepResult> {
  const began = Date.now()
  const { promise, resolve } = Promise.withResolvers<StepResult>()
  const child = spawn(step.command, step.arguments, {
    cwd: step.folder ?? root,
    env: { ...process.env, ...step.environment, [stepMark]: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  })
  running.add(child)
  const chunks: Buffer[] = []
  const collect = (chunk: Buffer): void => {
    chunks.push(chunk)
    if (step.live === true) process.stdout.write(chunk)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)

  let late = false
  const deadline = setTimeout(() => {
    late = true
    kill(child)
  }, step.deadlineMs)
  const end = (reason: string): void => {
    clearTimeout(deadline)
    running.delete(child)
    const seconds = (Date.now() - began) / 1000
    const why = late ? `killed: not done after ${Math.round(step.deadlineMs / 1000)} s` : reason
    resolve({ ok: why === '', output: Buffer.concat(chunks).toString(), seconds, reason: why })
  }
  child.on('error', (error) => end(error.message))
  child.on('exit', (code, signal) => {
    // End what the step left running. A daemon in a group of its own may stay and hold the output open: not waited for.
    signalGroup(child, late ? 'SIGKILL' : 'SIGTERM')
    const ended = (): void => end(code === 0 ? '' : `exit ${signal ?? `status ${code}`}`)
    const patience = setTimeout(() => {
      signalGroup(child, 'SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
    }, closeGraceMs)
    child.on('close', () => {
      clearTimeout(patience)
      ended()
    })
  })
  return promise
}

/** Ends every step that still runs; for an interrupt. */
export function killAllSteps(): void {
  for (const child of running) kill(child)
}

function kill(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM')
  setTimeout(() => signalGroup(child, 'SIGKILL'), killGraceMs).unref()
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(ownGroup ? -child.pid : child.pid, signal)
  } catch (error) {
    // The group is gone: nothing to end.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
