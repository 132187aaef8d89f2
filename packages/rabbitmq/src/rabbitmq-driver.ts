import type { Capabilities, Driver } from '@waybill/core/driver'
import { RabbitmqConnection } from './rabbitmq-connection.ts'
import { classify } from './rabbitmq-errors.ts'
import { maxNameLength } from './rabbitmq-names.ts'
import { checkRabbitmqOptions, type RabbitmqOptions, type RabbitmqSettings } from './rabbitmq-options.ts'

/**
 * RabbitMQ 4 by AMQP 0-9-1: quorum queues, confirmed sends, retries after provisioned delays, order per key by shards.
 *
 * @throws MessagingError `invalidArgument` on an unknown or wrong option.
 */
export function rabbitmq(options: RabbitmqOptions): Driver {
  const settings = checkRabbitmqOptions(options)
  return {
    specVersion: 1,
    system: 'rabbitmq',
    secrets: () => secretsOf(settings),
    capabilities: capabilitiesOf(settings),
    classify,
    connect: (context) => RabbitmqConnection.open(settings, context),
  }
}

/** The password that everybody knows is a word of many texts. */
function secretsOf({ password, tls }: RabbitmqSettings): string[] {
  return [password, tls.key ?? '', tls.passphrase ?? ''].filter((secret) => secret !== '' && secret !== 'guest')
}

const kibibyte = 1_024

/** What the header table of one message may take, encoded: amqplib's buffer (CHANGELOG, 2.3.1). */
const maxTableBytes = 64 * kibibyte

function capabilitiesOf({ maxBodyBytes, consumerTimeoutMs, redeliveryHorizonMs }: RabbitmqSettings): Capabilities {
  return {
    send: {
      maxBatch: 256,
      maxBatchBytes: maxBodyBytes + maxTableBytes,
      maxBatchesInFlight: 32,
      perEntryResult: true,
      detectsUnroutable: true,
      keyed: 'pipelined',
    },
    delayedSend: {
      // A TTL, which is a millisecond more, that every timer of the broker takes:
      // https://www.erlang.org/doc/apps/erts/erlang.html#send_after/3
      toGroupMs: 4_294_967_294,
      toChannelMs: 0,
      granularityMs: 1,
      tiersOnly: true,
      withOrder: false,
    },
    delayLanes: false,
    // https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
    holdMs: consumerTimeoutMs,
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
    byteBound: false,
    inspect: ['ready'],
    maxBodyBytes,
    // What amqplib's buffer for the header table leaves beside the attributes, and what the core adds, with margin.
    maxHeaderBytes: 40 * kibibyte,
    maxHeaders: 512,
    maxNameLength,
    redeliveryHorizonMs,
  }
}
