import type { Capabilities, Driver } from '@waybill/core/driver'
import type { GroupMember } from './kafka-client.ts'
import { KafkaConnection } from './kafka-connection.ts'
import { classify } from './kafka-errors.ts'
import { maxNameLength } from './kafka-names.ts'
import { checkKafkaOptions, envelopeRoomBytes, type KafkaOptions, type KafkaSettings } from './kafka-options.ts'

/**
 * Kafka 4: batched idempotent sends, commits of the unbroken prefix, retries in delay lanes, order per key by partitions.
 *
 * @throws MessagingError `invalidArgument` on an unknown or wrong option.
 */
export function kafka(options: KafkaOptions): Driver {
  const settings = checkKafkaOptions(options)
  const orphans: GroupMember[] = []
  return {
    specVersion: 1,
    system: 'kafka',
    secrets: () => secretsOf(settings),
    capabilities: capabilitiesOf(settings),
    classify,
    connect: (context) => KafkaConnection.open({ settings, orphans }, context),
  }
}

function secretsOf({ password, tls }: KafkaSettings): string[] {
  return [password ?? '', tls.key ?? '', tls.passphrase ?? ''].filter((secret) => secret !== '')
}

const kibibyte = 1_024
const mebibyte = 1_024 * kibibyte
const weekMs = 7 * 86_400_000

function capabilitiesOf({ maxMessageBytes, redeliveryHorizonMs }: KafkaSettings): Capabilities {
  return {
    send: {
      // What comes while a request is under way goes out with the next: at kafkajs's speed, more gain nothing.
      maxBatch: 2_000,
      maxBatchBytes: Math.max(4 * mebibyte, maxMessageBytes),
      // A producer's requests to one broker go out one after the other in any case, to keep their order.
      maxBatchesInFlight: 1,
      perEntryResult: true,
      // Kafka stores for whoever may come.
      detectsUnroutable: false,
      keyed: 'pipelined',
      // A quota makes a client wait for the answer to what is stored already.
      blocks: false,
    },
    delayLanes: true,
    // What is unsettled holds up its partition, and Kafka keeps records for a week:
    // https://kafka.apache.org/documentation/#brokerconfigs_log.retention.hours
    holdMs: weekMs,
    settlement: 'cumulative',
    deliveries: 'none',
    order: 'key',
    blockedKeyHolds: 'window',
    release: 'atDrain',
    drainKeyed: 'finish',
    membersPerGroup: Infinity,
    temporary: 'client',
    deadLetter: 'lane',
    browse: 'exact',
    nativeExpiry: false,
    replay: ['oldest', 'time', 'position'],
    byteBound: true,
    inspect: ['ready'],
    maxBodyBytes: maxMessageBytes - envelopeRoomBytes,
    // What the room beside the body leaves, after the lengths of 528 headers and their longest prefix.
    maxHeaderBytes: 32 * kibibyte,
    maxHeaders: 512,
    maxNameLength,
    redeliveryHorizonMs,
  }
}
