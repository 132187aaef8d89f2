import { equal } from 'node:assert/strict'
import { inspect } from 'node:util'

/** Collects unhandled rejections until `end`, which fails if there was one. Conformance: ERR-06. */
export function watchRejections(): { end(): Promise<void> } {
  const seen: unknown[] = []
  const listener = (reason: unknown): void => void seen.push(reason)
  process.on('unhandledRejection', listener)
  return {
    async end() {
      await new Promise((resolve) => setImmediate(resolve))
      process.off('unhandledRejection', listener)
      equal(seen.length, 0, `unhandled rejections:\n${seen.map((reason) => inspect(reason)).join('\n')}`)
    },
  }
}
