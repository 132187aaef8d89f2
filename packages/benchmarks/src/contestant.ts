import type { Send } from './pipelined.ts'

/** Where everybody sends to and receives from. */
export interface Course {
  readonly url: string
  readonly exchange: string
  readonly routingKey: string
  readonly queue: string
  readonly mandatory: boolean
  /** AMQP properties and headers as Waybill writes them, in amqplib's words. */
  readonly properties: { readonly [name: string]: unknown; readonly headers: { readonly [name: string]: unknown } }
  /** Unacknowledged deliveries at a time. */
  readonly prefetch: number
}

/** One library, used as its own documentation says. Connected from `open` to `close`. */
export interface Contestant {
  readonly name: string
  /** The npm package, whose version is told. */
  readonly packageName: string
  /** Said under the table: where the comparison is not quite like for like. */
  readonly remark?: string
  /** Its consumer reads only what its own publisher wrote. */
  readonly fillsItsOwn?: boolean
  open(course: Course): Promise<void>
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
