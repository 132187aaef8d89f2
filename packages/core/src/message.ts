/** The application's headers, and W3C trace context. Names keep their case; the prototype is null. */
export type MessageHeaders = { readonly [name: string]: string | undefined }

/** What a handler is given beside the data. `id`, `source` and `key` stay the same through retries and redrives. */
export interface Message<D = unknown, Type extends string = string> {
  readonly id: string
  readonly type: Type
  readonly source: string
  /** When it was sent; `undefined` on foreign messages that do not say. */
  readonly time: Date | undefined
  readonly key: string | undefined
  readonly correlationId: string | undefined
  readonly headers: MessageHeaders
  readonly data: D
}
