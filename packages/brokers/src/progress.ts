/** Told what the package does while it does it, one line each. */
export type Progress = (line: string) => void

/** Writes to standard error, so that a program's own output stays clean. */
export const toStandardError: Progress = (line) => {
  process.stderr.write(`brokers: ${line}\n`)
}
