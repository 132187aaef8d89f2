/** A durable queue that everybody but Waybill finds there. Waybill makes its own. */
export interface Stage {
  /** Through the proxy, where connections are reset. */
  readonly url: string
  readonly queue: string
  readonly prefetch: number
}

/** One library, set up to survive faults as its own documentation says. Connected from `open` to `close`. */
export interface Entrant {
  readonly name: string
  /** The npm package, whose version is told. */
  readonly packageName: string
  /** Where the messages of `queue` stand on the broker. */
  queueOf(queue: string): string
  open(stage: Stage): Promise<void>
  /** Resolves when the broker has confirmed. */
  send(id: string, body: Buffer): Promise<unknown>
  /** Acknowledges each message whose handler resolved. */
  consume(handler: (id: string) => Promise<void>): Promise<void>
  close(): Promise<void>
}
