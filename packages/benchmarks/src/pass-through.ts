import type { Middleware } from '@waybill/core'

/** Middleware that does nothing, as cheaply as it can: not `async`. */
export function passThrough(stages: number, sides: { readonly send: boolean }): readonly Middleware[] {
  const stage: Middleware = {
    handle: (_context, next) => next(),
    ...(sides.send ? { send: (_outgoing, next) => next() } : {}),
  }
  return Array.from({ length: stages }, () => stage)
}
