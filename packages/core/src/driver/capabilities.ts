/** What a broker can do, with numbers. What is absent is refused at startup with code `unsupported`. Conformance: CAP-01, CAP-02. */
export interface Capabilities {
  readonly send: {
    readonly maxBatch: number
    /** Bodies, keys and headers together, about. */
    readonly maxBatchBytes: number
    /** Unfinished batches per address. */
    readonly maxBatchesInFlight: number
    /** Whether one entry can fail without its neighbours. */
    readonly perEntryResult: boolean
    /** Whether a message that reaches no group fails with `unroutable`. */
    readonly detectsUnroutable: boolean
    /** `serial`: the core keeps one batch per key in flight and resends the oldest first. */
    readonly keyed: 'pipelined' | 'serial'
    /** `false`: the broker takes what is sent or refuses it, and asks nobody to wait: there is no `blocked`. Default: true. */
    readonly blocks?: boolean
  }
  /** Settlement `retry`. More attempts than `maxDeliveries` are refused. */
  readonly retryInPlace?: { readonly maxMs: number; readonly granularityMs: number; readonly maxDeliveries?: number }
  readonly delayedSend?: {
    /** Longest `delayMs` to one group; 0: none. */
    readonly toGroupMs: number
    /** Longest `delayMs` to a channel; 0: none. */
    readonly toChannelMs: number
    readonly granularityMs: number
    /** Only the provisioned `delaysMs` of the group; others go in hops. */
    readonly tiersOnly: boolean
    /** Whether delayed messages of a keyed channel keep their order; if not, none are sent to one. */
    readonly withOrder: boolean
  }
  /** Lanes `delay.N` exist and the core may listen on them and hold until due. */
  readonly delayLanes: boolean
  /** Longest time a delivery may stay unsettled. */
  readonly holdMs: number
  /** `cumulative`: settling acknowledges a contiguous prefix; a release blocks it until the listener goes. */
  readonly settlement: 'individual' | 'cumulative'
  /** What `Delivery.deliveries` counts. */
  readonly deliveries: 'none' | 'includesReleases' | 'attemptsOnly'
  readonly order: 'none' | 'key' | 'channel'
  /** Whether a blocked key holds only itself, or the window it shares. */
  readonly blockedKeyHolds: 'key' | 'window'
  readonly release: 'each' | 'atDrain'
  /** What draining does with keyed messages that never started, or are held for their next attempt. */
  readonly drainKeyed: 'release' | 'finish'
  readonly membersPerGroup: number
  /** Who makes temporary groups. */
  readonly temporary: 'broker' | 'client' | 'none'
  readonly deadLetter: 'native' | 'lane'
  readonly browse: 'exact' | 'approximate'
  /** Whether the broker drops messages past their `expirytime` by itself. The core checks in any case. */
  readonly nativeExpiry: boolean
  /** Where else than at the newest message a new group can start. Empty: nowhere. */
  readonly replay: readonly ('oldest' | 'time' | 'position')[]
  /** Whether `maxInFlightBytes` is honoured. */
  readonly byteBound: boolean
  readonly inspect: readonly ('ready' | 'unsettled' | 'oldestMs')[]
  readonly maxBodyBytes: number
  /** Names and values of all headers and attributes of one message, together, in UTF-8 bytes. */
  readonly maxHeaderBytes: number
  /** Headers of the application. A driver keeps room for 16 more, the core's own, or folds those into fewer. */
  readonly maxHeaders?: number
  /** Longest channel or group name, in UTF-8 bytes. */
  readonly maxNameLength: number
  /**
   * How long an idempotency store must remember a message it has handled: the longest time that the broker, or an
   * outage of all consumers that one should reckon with, can put between a run and the redelivery of its message.
   */
  readonly redeliveryHorizonMs: number
}
