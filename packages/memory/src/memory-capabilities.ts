import type { Capabilities } from '@waybill/core/driver'

const dayMs = 86_400_000
const mebibyte = 1_048_576

/**
 * What the embedded broker declares unless told otherwise: copies to a group after any delay, dead letters in a lane,
 * order per key, exact numbers.
 *
 * Most numbers are choices, not needs: each is enforced, so that a program that stays within them works elsewhere.
 */
export const memoryCapabilities: Capabilities = {
  send: {
    maxBatch: 256,
    maxBatchBytes: 32 * mebibyte,
    maxBatchesInFlight: 4,
    perEntryResult: true,
    detectsUnroutable: true,
    keyed: 'pipelined',
  },
  delayedSend: {
    toGroupMs: 365 * dayMs,
    toChannelMs: 365 * dayMs,
    granularityMs: 1,
    tiersOnly: false,
    withOrder: true,
  },
  delayLanes: false,
  holdMs: Infinity,
  settlement: 'individual',
  deliveries: 'includesReleases',
  order: 'key',
  blockedKeyHolds: 'window',
  release: 'each',
  drainKeyed: 'release',
  membersPerGroup: Infinity,
  temporary: 'broker',
  deadLetter: 'lane',
  browse: 'exact',
  nativeExpiry: false,
  replay: [],
  byteBound: true,
  inspect: ['ready', 'unsettled', 'oldestMs'],
  maxBodyBytes: 16 * mebibyte,
  maxHeaderBytes: 65_536,
  maxNameLength: 255,
  // What is unsettled stays as long as the process; a day is what duplicates are to be expected within.
  redeliveryHorizonMs: dayMs,
}

/** Capabilities to change: `undefined` takes an optional one away. */
export type CapabilityChanges = { readonly [K in keyof Capabilities]?: Capabilities[K] | undefined }

/**
 * The ways in which brokers differ most, each as a change of the default, so that every strategy of the core can run on
 * this broker. The numbers follow the broker that the way is typical of.
 */
export const memoryProfiles = {
  /** Copies to the group after any delay. The default. */
  copies: {},
  /** Copies to the group by provisioned delays only, none to the channel, as TTL queues of RabbitMQ. */
  tiers: {
    delayedSend: { toGroupMs: dayMs, toChannelMs: 0, granularityMs: 1, tiersOnly: true, withOrder: false },
    deliveries: 'attemptsOnly',
  },
  /** The broker itself delivers again after a delay, as SQS. */
  inPlace: {
    send: {
      maxBatch: 10,
      maxBatchBytes: mebibyte,
      maxBatchesInFlight: 4,
      perEntryResult: true,
      detectsUnroutable: false,
      keyed: 'serial',
    },
    retryInPlace: { maxMs: 12 * 3_600_000, granularityMs: 1_000, maxDeliveries: 1_000 },
    delayedSend: { toGroupMs: 900_000, toChannelMs: 900_000, granularityMs: 1_000, tiersOnly: false, withOrder: false },
    holdMs: 12 * 3_600_000,
    blockedKeyHolds: 'key',
    inspect: ['ready', 'unsettled'],
    maxBodyBytes: mebibyte,
  },
  /** No delay at all: the core waits on lanes; a prefix is settled, not a message, as Kafka. */
  lanes: {
    send: { ...memoryCapabilities.send, detectsUnroutable: false },
    delayedSend: undefined,
    delayLanes: true,
    settlement: 'cumulative',
    deliveries: 'none',
    release: 'atDrain',
    drainKeyed: 'finish',
    temporary: 'client',
    replay: ['oldest', 'time', 'position'],
    inspect: ['ready'],
  },
  /** Dead letters are a settlement, as on Service Bus. */
  native: { deadLetter: 'native', membersPerGroup: 1_000 },
  /** No order, no dead letters by the broker, no numbers: the least that a consumer can work with, as plain STOMP. */
  bare: {
    send: {
      maxBatch: 1,
      maxBatchBytes: mebibyte,
      maxBatchesInFlight: 256,
      perEntryResult: false,
      detectsUnroutable: false,
      keyed: 'pipelined',
    },
    delayedSend: undefined,
    deliveries: 'none',
    order: 'none',
    release: 'atDrain',
    membersPerGroup: 1,
    temporary: 'none',
    browse: 'approximate',
    byteBound: false,
    inspect: [],
    maxBodyBytes: mebibyte,
    maxHeaderBytes: 4_096,
    maxHeaders: 10,
    maxNameLength: 64,
  },
} as const satisfies { readonly [name: string]: CapabilityChanges }

export type MemoryProfile = keyof typeof memoryProfiles

/** The default with a profile or another driver's capabilities in its place, and single changes on top. */
export function capabilitiesFrom(base: Capabilities, ...changes: readonly CapabilityChanges[]): Capabilities {
  const result: { [name: string]: unknown } = { ...base }
  for (const change of changes) {
    for (const [name, value] of Object.entries(change)) {
      if (value === undefined) delete result[name]
      else result[name] = value
    }
  }
  return Object.freeze(result) as unknown as Capabilities
}
