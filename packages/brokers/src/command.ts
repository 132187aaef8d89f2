import { spawn } from 'node:child_process'
import { BrokerError } from './broker-error.ts'

export interface CommandOptions {
  /** After this the command is killed and `timeout` thrown. */
  readonly deadlineMs: number
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs a program without a shell and resolves to its standard output.
 *
 * @throws `commandFailed` with the last lines it wrote, when it cannot start or ends with a status other than 0
 * @throws `timeout`
 */
export function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const line = [program, ...args].join(' ')
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.deadlineMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    let tail = ''
    const remember = (text: string): void => {
      tail = (tail + text).slice(-2000)
    }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      remember(text)
    })
    child.stderr.setEncoding('utf8').on('data', remember)
    child.on('error', (cause) => {
      reject(new BrokerError('commandFailed', `cannot run "${line}": ${cause.message}`, { cause }))
    })
    child.on('close', (status, signal) => {
      if (status === 0) resolve(output)
      else if (signal === 'SIGKILL')
        reject(new BrokerError('timeout', `"${line}" took over ${options.deadlineMs} ms\n${tail}`))
      else
        reject(
          new BrokerError('commandFailed', `"${line}" ended with ${signal ?? `status ${status}`}:\n${tail.trimEnd()}`),
        )
    })
  })
}
