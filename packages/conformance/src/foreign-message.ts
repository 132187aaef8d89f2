/** A value of a header as a foreign client may write one. What a transport has no form for is written as text. */
export type ForeignValue =
  /** Any bytes where a text belongs. */
  | { readonly kind: 'text' | 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'integer' | 'time'; readonly value: bigint }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'truth'; readonly value: boolean }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'decimal'; readonly places: number; readonly digits: number }
  | { readonly kind: 'list'; readonly items: readonly ForeignValue[] }
  | { readonly kind: 'table'; readonly entries: readonly ForeignHeader[] }

/** Names are bytes too: no transport checks that they are text, and any may come twice. */
export type ForeignHeader = readonly [name: Uint8Array, value: ForeignValue]

/** A message that no Waybill wrote. */
export interface ForeignMessage {
  readonly headers: readonly ForeignHeader[]
  readonly contentType?: string
  readonly body: Uint8Array
}
