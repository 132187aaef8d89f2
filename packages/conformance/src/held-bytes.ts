import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What this process keeps hold of, garbage collected first. */
export function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
