import { hintFor } from './driver/nearest-name.ts'
import { MessagingError } from './messaging-error.ts'

/** @throws MessagingError `invalidArgument` on an option that is not known: none is accepted and ignored. */
export function checkKnown(what: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new MessagingError('invalidArgument', `${what}: expected options`)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new MessagingError('invalidArgument', `${what}: unknown option "${name}": ${hintFor(name, known)}`)
  }
}
