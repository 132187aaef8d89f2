/** A map of strings with a null prototype: `__proto__` and `constructor` are names like any other. */
export type Headers = { readonly [name: string]: string }

/**
 * What adapters move: a CloudEvent 1.0 in binary mode, and nothing that a broker could misread.
 *
 * The core fills every attribute of what it sends. On what is received an attribute is `undefined` when the producer did
 * not write it (a foreign message). Bytes, key and headers travel unchanged.
 *
 * Conformance: MSG-01 to MSG-14.
 */
export interface WireMessage {
  /** CloudEvents `id`: a monotonic UUIDv7, kept by retries, redrives and dead letters. */
  readonly id: string | undefined
  /** CloudEvents `source`. */
  readonly source: string | undefined
  /** CloudEvents `type`. */
  readonly type: string | undefined
  /** CloudEvents `time`, RFC 3339. */
  readonly time: string | undefined
  /** CloudEvents `datacontenttype`. */
  readonly contentType: string | undefined
  /**
   * Further CloudEvents attributes by their own names (lower case letters and digits): `subject`, `dataschema`,
   * `correlationid`, `expirytime` and those of foreign producers. Null prototype.
   */
  readonly extensions: Headers
  /** The ordering key (CloudEvents `partitionkey`). */
  readonly key: string | undefined
  /** The application's headers, W3C trace context, and the core's own under the prefix `waybill-`. Null prototype. */
  readonly headers: Headers
  /** `undefined`: a tombstone, which is not the same as an empty body where the broker can tell them apart. */
  readonly body: Uint8Array | undefined
  /**
   * The event as one JSON document. A mapper that is given it writes this with `structuredMediaType`, instead of the body
   * and the attributes; key and headers stay where they are. Only in sends.
   */
  readonly structured?: Uint8Array
  /** Set by a mapper that could not read the envelope: what was wrong. The core sends such a message to the invalid message channel. */
  readonly problem?: string
}

/** Names under this prefix belong to the core; applications cannot send them. */
export const reservedHeaderPrefix = 'waybill-'
