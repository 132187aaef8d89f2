import type { ChannelTypes } from './channel-types.ts'
import type { Message } from './message.ts'
import type { Receipt } from './producer.ts'

/** Why a message was given up. */
export interface FailureRecord {
  /** The error's class, such as `TypeError`. */
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly attempts: number
  readonly firstFailureAt: Date
  readonly lastFailureAt: Date
  /** Where the broker kept the message when it failed last, in its own words: `orders.placed/0@120`. For `startFrom`. */
  readonly position: string | undefined
}

export interface DeadLetter<M extends Message = Message> {
  /** As it was sent: body, key and headers byte for byte. */
  readonly message: Omit<M, 'data'> & { readonly body: Uint8Array | undefined }
  /** `undefined`: dead-lettered by someone else. */
  readonly failure: FailureRecord | undefined
  /** Rejects with `decodeFailed`. */
  decode(): Promise<M['data']>
}

export type DeadLetterSelection<M extends Message> =
  | { ids: readonly string[] }
  | { where: (letter: DeadLetter<M>) => boolean }
  | 'all'

/** The dead letters of one group. Looking does not consume. Conformance: RDR-01 to RDR-09. */
export interface DeadLetters<T extends ChannelTypes> {
  /** Oldest first where the broker keeps order. `after`: the id of the last one seen. */
  list(options?: { limit?: number; after?: string }): AsyncIterable<DeadLetter<T['message']>>
  get(id: string): Promise<DeadLetter<T['message']> | undefined>
  /** Sends each to its group alone, confirmed, then removes it. One that fails does not stop the others. */
  redrive(
    which: DeadLetterSelection<T['message']>,
  ): Promise<{ readonly redriven: number; readonly failed: readonly { id: string; error: Error }[] }>
  /** Redrives a corrected copy with a new id, which keeps a link to the old. */
  replace(id: string, data: T['send']): Promise<Receipt>
  /** Removes for good; answers how many. */
  discard(which: DeadLetterSelection<T['message']>): Promise<number>
}
