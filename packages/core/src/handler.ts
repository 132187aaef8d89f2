import type { Message } from './message.ts'
import type { Messaging } from './messaging.ts'

/** Resolves: done. Throws: failed, so retried, then dead-lettered. There is no value to forget. */
export type Handler<D, Type extends string = string, R = void> = (
  data: D,
  context: HandlerContext<D, Type>,
) => Promise<R>

export interface HandlerContext<D = unknown, Type extends string = string> {
  readonly message: Message<D, Type>
  readonly channel: string
  /** `undefined` in a broadcast. */
  readonly group: string | undefined
  /** 1 on the first run. */
  readonly attempt: number
  /** Aborts when going on is pointless; `reason.code` is `leaseLost`, `timeout` or `closed`. */
  readonly signal: AbortSignal
  /** As `Messaging.send`, with this message's correlation and trace carried on. */
  readonly send: Messaging['send']
  /** As `Messaging.prepare`, with this message's correlation and trace carried on. */
  readonly prepare: Messaging['prepare']
}
