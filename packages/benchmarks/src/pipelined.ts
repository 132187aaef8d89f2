/** Sends one message and calls exactly one of both, once, when the answer is there. */
export type Send = (confirmed: () => void, failed: (error: unknown) => void) => void

/** Sends `count` messages, `window` of them unanswered at a time. Resolves with the last confirmation. */
export function pipelined(count: number, window: number, send: Send): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let confirmed = 0
    const onConfirmed = (): void => {
      confirmed++
      if (confirmed === count) resolve()
      else if (sent < count) next()
    }
    const next = (): void => {
      sent++
      send(onConfirmed, reject)
    }
    while (sent < Math.min(window, count)) next()
  })
}
