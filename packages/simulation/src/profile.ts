import type { Capabilities } from '@waybill/core/driver'
import type { ProfileName } from './profile-name.ts'

const dayMs = 86_400_000

/** A kind of broker: what it declares, and how it goes about it. */
export interface Profile {
  readonly name: ProfileName
  readonly capabilities: Capabilities
  /** Parts of a keyed queue, each with one owner; 0: a key is locked while one of its messages is out. */
  readonly keyedShards: number
  /** Parts of a queue without order; 0: anybody takes what is next. */
  readonly plainShards: number
  /** Shards move to whoever joins, not only from whoever leaves. */
  readonly rebalances: boolean
  /** A delivery not settled for so long is given to somebody else, unless renewed. */
  readonly visibilityMs: number | undefined
  /** Each request goes its own way through the network: answers are lost, and requests overtake each other. */
  readonly isRequestBased: boolean
}

const common: Capabilities = {
  send: {
    maxBatch: 4,
    maxBatchBytes: 65_536,
    maxBatchesInFlight: 4,
    perEntryResult: true,
    detectsUnroutable: false,
    keyed: 'pipelined',
  },
  delayLanes: false,
  holdMs: dayMs,
  settlement: 'individual',
  deliveries: 'none',
  order: 'key',
  blockedKeyHolds: 'window',
  release: 'each',
  drainKeyed: 'release',
  membersPerGroup: Infinity,
  temporary: 'none',
  deadLetter: 'lane',
  browse: 'exact',
  nativeExpiry: false,
  replay: [],
  byteBound: false,
  inspect: [],
  maxBodyBytes: 65_536,
  maxHeaderBytes: 65_536,
  maxNameLength: 100,
  redeliveryHorizonMs: dayMs,
}

const tiers = { toGroupMs: dayMs, toChannelMs: 0, granularityMs: 1, tiersOnly: true, withOrder: false }

export const profiles: { readonly [name in ProfileName]: Profile } = {
  /** As RabbitMQ: each message settled by itself, delay queues, shards with one active consumer. */
  individual: {
    name: 'individual',
    capabilities: { ...common, delayedSend: tiers },
    keyedShards: 2,
    plainShards: 0,
    rebalances: false,
    visibilityMs: undefined,
    isRequestBased: false,
  },
  /** As Kafka: partitions that move, a prefix is settled, retries wait in lanes. */
  log: {
    name: 'log',
    capabilities: {
      ...common,
      delayLanes: true,
      settlement: 'cumulative',
      release: 'atDrain',
      drainKeyed: 'finish',
    },
    keyedShards: 3,
    plainShards: 3,
    rebalances: true,
    visibilityMs: undefined,
    isRequestBased: false,
  },
  /** As SQS: a message is lent for a time that must be renewed, and comes again after a delay in place. */
  lease: {
    name: 'lease',
    capabilities: {
      ...common,
      send: { ...common.send, keyed: 'serial' },
      retryInPlace: { maxMs: dayMs, granularityMs: 1 },
      deliveries: 'includesReleases',
      blockedKeyHolds: 'key',
    },
    keyedShards: 0,
    plainShards: 0,
    rebalances: false,
    visibilityMs: 2_000,
    isRequestBased: true,
  },
  /** As MQTT: pushed, acknowledged in order, never handed back but by leaving. */
  push: {
    name: 'push',
    capabilities: {
      ...common,
      send: { ...common.send, maxBatch: 1, maxBatchesInFlight: 16 },
      delayLanes: true,
      settlement: 'cumulative',
      release: 'atDrain',
      drainKeyed: 'finish',
    },
    keyedShards: 2,
    plainShards: 0,
    rebalances: false,
    visibilityMs: undefined,
    isRequestBased: false,
  },
}
