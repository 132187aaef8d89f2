import type { Headers } from './wire-message.ts'

/** Headers that are being written. */
export type HeaderTable = { [name: string]: string }

/** An empty table. It inherits nothing, so that any name is data. */
export function newHeaders(): HeaderTable {
  return Object.create(null) as HeaderTable
}

/** For all messages that have none. */
export const noHeaders: Headers = Object.freeze(newHeaders())

/** A table of all that is in these, the later over the earlier. */
export function headersOf(...tables: readonly Headers[]): HeaderTable {
  return Object.assign(newHeaders(), ...tables) as HeaderTable
}
