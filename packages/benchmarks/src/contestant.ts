import type { Send } from './pipelined.ts'

export type Way = 'publish' | 'consume'
export const ways: readonly Way[] = ['publish', 'consume']

/** Where everybody sends to and receives from; each broker's has more. */
export interface Course {
  readonly url: string
  /** Unacknowledged deliveries at a time. */
  readonly prefetch: number
}

/** One library, used as its own documentation says. Connected from `open` to `close`. */
export interface Contestant<C extends Course = Course> {
  readonly name: string
  /** The npm package, whose version is told. */
  readonly packageName: string
  /** Said under the table: where the comparison is not quite like for like. */
  readonly remark?: string
  /** The one direction it takes part in; otherwise both. */
  readonly only?: Way
  /** Its consumer reads only what its own publisher wrote. */
  readonly fillsItsOwn?: boolean
  open(course: C): Promise<void>
  /** A function that publishes this body with a confirm. */
  publisher(body: Buffer): Promise<Send>
  /** Calls back for each message, which it then acknowledges. */
  consume(onMessage: () => void): Promise<Consumption>
  close(): Promise<void>
}

export interface Consumption {
  /** Resolves once every acknowledgement is on its way. */
  stop(): Promise<void>
}

/** What lies between who sends and who receives. */
export interface Track {
  /** Empties it and returns how many messages it held. */
  clear(): Promise<number>
}
