import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const impatientAfterMs = 1_000

/** Somebody wants the program to end: Ctrl-C, or a signal by another way. */
export class Interruption extends Error {
  override readonly name = 'Interruption'
  readonly exitStatus: number

  constructor(signal: (typeof signals)[number]) {
    super(`interrupted by ${signal}`)
    this.exitStatus = 128 + constants.signals[signal]
  }
}

/**
 * Aborts with an `Interruption` on the first signal, so that the program ends in order; a later Ctrl-C ends it at once.
 *
 * One Ctrl-C may come twice, from the terminal and from the program that started this one.
 */
export function interruptible(): AbortSignal {
  const controller = new AbortController()
  let since = 0
  for (const signal of signals) {
    process.on(signal, () => {
      if (!controller.signal.aborted) since = performance.now()
      else if (signal === 'SIGINT' && performance.now() - since > impatientAfterMs) process.exit(130)
      controller.abort(new Interruption(signal))
    })
  }
  return controller.signal
}
