import {
  choiceOption,
  credentialOptions,
  DriverOptions,
  textOption,
  tlsOptions,
  wholeNumberOption,
} from '@waybill/core/driver'
import { addressIn, splitUrl, type KafkaAddress, type KafkaUrl } from './kafka-address.ts'

/** Where Kafka is and how to use it. */
export interface KafkaOptions {
  /** `kafka://user:password@host:9092,host2:9092`, or `kafkas:` for TLS. Any broker of the cluster leads to all others. */
  readonly url: string
  /** Instead of the one in `url`. Together with `password`. */
  readonly username?: string
  /** Instead of the one in `url`. Appears in no error, log or inspection. */
  readonly password?: string
  /** How user and password are proven: what the brokers' listener has. Needed with credentials. */
  readonly sasl?: SaslMechanism
  /** What brokers log and meter. Default: `waybill` and the instance. */
  readonly clientId?: string
  /** Longest time until a connection is usable: TCP, TLS, SASL and the first answer together. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** Longest time for a broker to answer, replication of a send included. Default 15,000. */
  readonly requestTimeoutMs?: number
  /** A dead link is noticed within two of these. From 500 to 60,000, default 3,000. */
  readonly heartbeatMs?: number
  /** A consumer that is silent for so long has lost its partitions. At least three heartbeats. Default 30,000. */
  readonly sessionTimeoutMs?: number
  /** How long a partition that is to move may finish what runs. Default 10,000. */
  readonly rebalanceDrainMs?: number
  /** Of topics that are made: the most members of a group that can work at a time. Default 4. */
  readonly partitions?: number
  /** Of topics that are made. Default: the brokers' `default.replication.factor`. */
  readonly replicationFactor?: number
  /** The topics' `max.message.bytes`. Default 1,048,588, which is Kafka's. */
  readonly maxMessageBytes?: number
  /**
   * Longest time that a group may be without consumers: how long after its first delivery a message may come again.
   * Kafka itself keeps offsets for a week; an idempotent receiver has to remember for as long. Default 86,400,000, a day.
   */
  readonly redeliveryHorizonMs?: number
  /** Only with `kafkas:`. */
  readonly tls?: KafkaTlsOptions
}

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

/** Certificates are PEM texts. */
export interface KafkaTlsOptions {
  /** Whom to trust instead of the certificate authorities that Node.js knows. */
  readonly ca?: string
  /** This client's certificate, with `key`. */
  readonly cert?: string
  readonly key?: string
  /** Of `key`. */
  readonly passphrase?: string
  /** The name that the brokers' certificates must be for. Default: the host of each. */
  readonly servername?: string
  /** Takes any certificate from anybody. Warns on each connection. `NODE_TLS_REJECT_UNAUTHORIZED` has no say. Default false. */
  readonly allowUnverified?: boolean
}

/** Options after validation. */
export interface KafkaSettings extends KafkaAddress {
  readonly sasl: SaslMechanism | undefined
  readonly clientId: string | undefined
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly heartbeatMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceDrainMs: number
  readonly partitions: number
  /** -1: the brokers' default. */
  readonly replicationFactor: number
  readonly maxMessageBytes: number
  /** Whether topics that are made get it. */
  readonly setsMaxMessageBytes: boolean
  readonly redeliveryHorizonMs: number
  readonly tls: KafkaTlsOptions
}

/** https://kafka.apache.org/documentation/#brokerconfigs_message.max.bytes */
export const defaultMaxMessageBytes = 1_048_588
/** What stands beside a body in its batch: the envelope, its lengths, and the batch's own head. */
export const envelopeRoomBytes = 48_588
/** More than anybody has members; each is a log of its own on every replica. */
export const maxPartitions = 10_000

const longestMs = 2_147_483_647

/** All options there are, in code, records and URL parameters alike. */
const known = new DriverOptions('kafka', {
  url: textOption,
  ...credentialOptions,
  sasl: choiceOption('plain', 'scram-sha-256', 'scram-sha-512'),
  clientId: textOption,
  connectTimeoutMs: wholeNumberOption(1, longestMs),
  requestTimeoutMs: wholeNumberOption(100, longestMs),
  heartbeatMs: wholeNumberOption(500, 60_000),
  sessionTimeoutMs: wholeNumberOption(1_500, 1_800_000),
  rebalanceDrainMs: wholeNumberOption(0, 1_800_000),
  partitions: wholeNumberOption(1, maxPartitions),
  replicationFactor: wholeNumberOption(1, 32_767),
  maxMessageBytes: wholeNumberOption(2 * envelopeRoomBytes, longestMs),
  redeliveryHorizonMs: wholeNumberOption(1, Number.MAX_SAFE_INTEGER),
  ...tlsOptions,
})

/** @throws MessagingError `invalidArgument` on an unknown, wrong or contradictory option, saying what there is. */
export function checkKafkaOptions(options: KafkaOptions): KafkaSettings {
  known.check(options)
  if (options.url === undefined) refuse('url is missing; give url: "kafka://host:9092"')
  const address = addressOf(options.url)
  const { tls = {}, username = address.username, password = address.password, sasl } = options
  const { heartbeatMs = 3_000, sessionTimeoutMs = 30_000, maxMessageBytes = defaultMaxMessageBytes } = options
  checkTogether(options, { ...address, username }, tls)
  if (sessionTimeoutMs < 3 * heartbeatMs) refuse('sessionTimeoutMs must be at least three times heartbeatMs')
  return {
    ...address,
    username,
    password,
    sasl,
    tls,
    heartbeatMs,
    sessionTimeoutMs,
    maxMessageBytes,
    clientId: options.clientId,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    rebalanceDrainMs: options.rebalanceDrainMs ?? 10_000,
    partitions: options.partitions ?? 4,
    replicationFactor: options.replicationFactor ?? -1,
    setsMaxMessageBytes: options.maxMessageBytes !== undefined,
    redeliveryHorizonMs: options.redeliveryHorizonMs ?? 86_400_000,
  }
}

/** Options from a URL: its parameters are options, those of TLS with `tls.` before them. */
export function optionsFromUrl(url: string): KafkaOptions {
  const { parameters } = parseUrl(url)
  const options = known.fromParameters(parameters)
  const bare = url.split('?', 1)[0]
  return { ...options, url: bare } as KafkaOptions
}

function checkTogether(options: KafkaOptions, { secure, username }: KafkaAddress, tls: KafkaTlsOptions): void {
  if (username !== undefined && options.sasl === undefined)
    refuse('credentials need sasl: plain, scram-sha-256 or scram-sha-512, as the brokers have it')
  if (username === undefined && options.sasl !== undefined) refuse('sasl needs a username and a password')
  if (!secure && Object.keys(tls).length > 0) refuse('tls options need a url that begins with kafkas:')
}

function addressOf(url: string): KafkaAddress {
  const parsed = parseUrl(url)
  if (parsed.scheme !== 'kafka' && parsed.scheme !== 'kafkas') refuse('url must begin with kafka: or kafkas:')
  if (parsed.parameters.size > 0) refuse('url must have no parameters here; give them as options')
  if (parsed.path !== '' && parsed.path !== '/') refuse('url must have no path; Kafka has no virtual hosts')
  try {
    return addressIn(parsed)
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function parseUrl(url: string): KafkaUrl {
  const parsed = splitUrl(url)
  return (
    parsed ??
    refuse('url is no URL; write kafka://user:password@host:9092,host2:9092, special characters percent-encoded')
  )
}

function refuse(what: string): never {
  return known.refuse(what)
}
