/** Lets a fault in a callback surface as an uncaught exception, without harm to the loop that made the call. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
