import type { Channel } from './channel.ts'
import type { HandlerContext } from './handler.ts'
import type { ReceivedMessage } from './message-decoder.ts'
import { newHeaders } from './driver/header-table.ts'
import type { Headers } from './driver/wire-message.ts'
import type { Messaging } from './messaging.ts'
import type { PreparedMessage, Receipt, SendOptions } from './producer.ts'
import type { Task } from './task.ts'

/** Sends with headers that only the core may set. */
export interface HeaderSender {
  send(channel: Channel, data: unknown, options: SendOptions | undefined, headers: Headers): Promise<Receipt>
  prepare(channel: Channel, data: unknown, options: SendOptions | undefined, headers: Headers): Promise<PreparedMessage>
}

/** What a handler is told. What costs anything is made when looked at. */
export class DeliveryContext implements HandlerContext {
  readonly message: ReceivedMessage
  readonly channel: string
  readonly group: string | undefined
  readonly attempt: number
  /** What the handler of a request answered. */
  reply: unknown
  readonly #task: Task
  readonly #sender: HeaderSender

  constructor(message: ReceivedMessage, channel: string, group: string | undefined, task: Task, sender: HeaderSender) {
    this.message = message
    this.channel = channel
    this.group = group
    this.attempt = task.attempt
    this.#task = task
    this.#sender = sender
  }

  get signal(): AbortSignal {
    return this.#task.signal
  }

  get send(): Messaging['send'] {
    return (channel, data, options) => this.#sender.send(channel, data, this.#correlated(options), this.#trace())
  }

  get prepare(): Messaging['prepare'] {
    return (channel, data, options) => this.#sender.prepare(channel, data, this.#correlated(options), this.#trace())
  }

  #correlated(options: SendOptions | undefined): SendOptions {
    return { correlationId: this.message.correlationId ?? this.message.id, ...options }
  }

  /** W3C trace context, passed on as it came; telemetry, where there is one, writes its own. */
  #trace(): Headers {
    const trace = newHeaders()
    for (const name of ['traceparent', 'tracestate']) {
      const value = this.message.wire.headers[name]
      if (value !== undefined) trace[name] = value
    }
    return trace
  }
}
