import { readFileSync } from 'node:fs'

/** What Linux says about a process. */
export interface ProcessStat {
  readonly command: string
  /** In clock ticks since the machine started. */
  readonly startTicks: string
}

/** `undefined` when there is no such process; one that has ended and waits for its parent (a zombie) does not count. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Reads a line of `/proc/<pid>/stat`; the command is in parentheses and may itself hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const command = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'))
  const [state, ...fields] = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ')
  const startTicks = fields[18]
  return state === 'Z' || state === 'X' || startTicks === undefined ? undefined : { command, startTicks }
}
