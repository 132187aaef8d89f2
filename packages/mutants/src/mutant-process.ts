import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Timings } from '@waybill/conformance'
import type { SourcePatch } from '@waybill/source-patch'

/** What a process of `run-mutant.ts` is told. */
export interface MutantRequest {
  /** The module, from the root of the repository, whose `harness(broker)` gives the broker under test. */
  readonly harness: string
  /** For the harness: where its broker is, or which one it imitates. */
  readonly broker: unknown
  /** The mutant's wrapper around each driver. */
  readonly wrapper?: string | undefined
  readonly patches: readonly SourcePatch[]
  /** Names of cases, in the order in which they are to run. */
  readonly cases: readonly string[]
  /** Over those of the harness. */
  readonly timings?: Partial<Timings>
}

/** What one case came to. */
export interface CaseOutcome {
  readonly key: string
  readonly outcome: 'passed' | 'refused' | 'notRun' | 'failed'
  /** Of a failed case: its first failure. */
  readonly message?: string
  readonly ms: number
}

export interface MutantRun {
  readonly outcomes: readonly CaseOutcome[]
  /** Why the process did not end well; a mutant that breaks the kit itself proves nothing. */
  readonly crash: string | undefined
}

const program = fileURLToPath(new URL('./run-mutant.ts', import.meta.url))

/** Runs cases against one mutant in a process of its own, which is killed when it takes longer than `deadlineMs`. */
export function runMutant(request: MutantRequest, deadlineMs: number): Promise<MutantRun> {
  const child = spawn(process.execPath, ['--conditions=@waybill/source', program, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const outcomes: CaseOutcome[] = []
  let complaints = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{"key":')) outcomes.push(JSON.parse(line) as CaseOutcome)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  return new Promise((resolve) => {
    let isLate = false
    const deadline = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, deadlineMs)
    child.once('close', (code, signal) => {
      clearTimeout(deadline)
      const why = isLate ? `not done after ${deadlineMs} ms` : `ended with ${signal ?? code}\n${complaints.trim()}`
      resolve({ outcomes, crash: code === 0 ? undefined : why })
    })
  })
}
