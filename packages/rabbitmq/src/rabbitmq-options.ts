import { credentialOptions, DriverOptions, textOption, tlsOptions, wholeNumberOption } from '@waybill/core/driver'

/** Where RabbitMQ is and how to use it. */
export interface RabbitmqOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps:` for TLS. Without credentials `guest`, without vhost `/`. */
  readonly url: string
  /** Instead of the one in `url`. Together with `password`. */
  readonly username?: string
  /** Instead of the one in `url`. Appears in no error, log or inspection. */
  readonly password?: string
  /** Instead of the one in `url`. */
  readonly vhost?: string
  /** What the broker's management shows, followed by the role. Default: `waybill` and the instance. */
  readonly connectionName?: string
  /** Longest time until a connection is usable: TCP, TLS and the AMQP handshake together. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** A dead link is noticed within two of these. From 2,000 to 600,000, default 10,000. */
  readonly heartbeatMs?: number
  /** Queues per group of a channel with `ordering: 'key'`: the most members that can work at a time. Default 4. */
  readonly shards?: number
  /** Deliveries after which the broker itself dead-letters a message that keeps killing its consumer. Default 1,000. */
  readonly deliveryLimit?: number
  /** The broker's `consumer_timeout`: longest time a delivery may stay unsettled. Default 1,800,000. */
  readonly consumerTimeoutMs?: number
  /** The broker's `max_message_size`, if it is lowered. Default and maximum 16,777,216. */
  readonly maxBodyBytes?: number
  /**
   * Longest time that a group may be without consumers: how long after its first delivery a message may come again.
   * RabbitMQ itself sets no bound; an idempotent receiver has to remember for as long. Default 86,400,000, a day.
   */
  readonly redeliveryHorizonMs?: number
  /** Only with `amqps:`. */
  readonly tls?: RabbitmqTlsOptions
}

/** Certificates are PEM texts. */
export interface RabbitmqTlsOptions {
  /** Whom to trust instead of the certificate authorities that Node.js knows. */
  readonly ca?: string
  /** This client's certificate, with `key`. */
  readonly cert?: string
  readonly key?: string
  /** Of `key`. */
  readonly passphrase?: string
  /** The name that the broker's certificate must be for. Default: the host of `url`. */
  readonly servername?: string
  /** Takes any certificate from anybody. Warns on each connection. `NODE_TLS_REJECT_UNAUTHORIZED` has no say. Default false. */
  readonly allowUnverified?: boolean
}

/** Options after validation. */
export interface RabbitmqSettings {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly vhost: string
  readonly connectionName: string | undefined
  readonly connectTimeoutMs: number
  readonly heartbeatMs: number
  readonly shards: number
  readonly deliveryLimit: number
  readonly consumerTimeoutMs: number
  readonly maxBodyBytes: number
  readonly redeliveryHorizonMs: number
  readonly tls: RabbitmqTlsOptions
}

/** https://www.rabbitmq.com/docs/configure#config-items: `max_message_size`. */
export const maxMessageBytes = 16_777_216
/** More shards than anybody has members; each is a quorum queue with a Raft group of its own. */
export const maxShards = 256

/** All options there are, in code, records and URL parameters alike. */
const known = new DriverOptions('rabbitmq', {
  url: textOption,
  ...credentialOptions,
  vhost: textOption,
  connectionName: textOption,
  connectTimeoutMs: wholeNumberOption(1, 2_147_483_647),
  heartbeatMs: wholeNumberOption(2_000, 600_000),
  shards: wholeNumberOption(1, maxShards),
  deliveryLimit: wholeNumberOption(1, 1_000_000),
  consumerTimeoutMs: wholeNumberOption(1_000, 2_147_483_647),
  maxBodyBytes: wholeNumberOption(1, maxMessageBytes),
  redeliveryHorizonMs: wholeNumberOption(1, Number.MAX_SAFE_INTEGER),
  ...tlsOptions,
})

/** @throws MessagingError `invalidArgument` on an unknown, wrong or contradictory option, saying what there is. */
export function checkRabbitmqOptions(options: RabbitmqOptions): RabbitmqSettings {
  known.check(options)
  if (options.url === undefined) refuse('url is missing; give url: "amqp://host"')
  const address = addressOf(options.url)
  const { tls = {}, username = address.username, password = address.password, vhost = address.vhost } = options
  if (!address.secure && Object.keys(tls).length > 0) refuse('tls options need a url that begins with amqps:')
  return {
    ...address,
    username,
    password,
    vhost,
    tls,
    connectionName: options.connectionName,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    heartbeatMs: options.heartbeatMs ?? 10_000,
    shards: options.shards ?? 4,
    deliveryLimit: options.deliveryLimit ?? 1_000,
    consumerTimeoutMs: options.consumerTimeoutMs ?? 1_800_000,
    maxBodyBytes: options.maxBodyBytes ?? maxMessageBytes,
    redeliveryHorizonMs: options.redeliveryHorizonMs ?? 86_400_000,
  }
}

/** Options from a URL: its parameters are options, those of TLS with `tls.` before them. */
export function optionsFromUrl(url: string): RabbitmqOptions {
  const parsed = parseUrl(url)
  const options = known.fromParameters(parsed.searchParams)
  parsed.search = ''
  return { ...options, url: parsed.href } as RabbitmqOptions
}

function addressOf(
  url: string,
): Pick<RabbitmqSettings, 'secure' | 'hostname' | 'port' | 'username' | 'password' | 'vhost'> {
  const { protocol, hostname, port, username, password, pathname, search, hash } = parseUrl(url)
  if (protocol !== 'amqp:' && protocol !== 'amqps:') refuse('url must begin with amqp: or amqps:')
  if (search !== '' || hash !== '') refuse('url must have no parameters here; give them as options')
  const secure = protocol === 'amqps:'
  const anonymous = username === '' && password === ''
  const vhost = decoded(pathname.slice(1))
  return {
    secure,
    hostname: hostname === '' ? 'localhost' : decoded(hostname).replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 5671 : 5672) : Number(port),
    username: anonymous ? 'guest' : decoded(username),
    password: anonymous ? 'guest' : decoded(password),
    vhost: vhost === '' ? '/' : vhost,
  }
}

/** The platform's own error would quote the URL, password included. */
function parseUrl(url: string): URL {
  const parsed = URL.parse(url)
  return (
    parsed ?? refuse('url is no URL; write amqp://user:password@host:port/vhost, special characters percent-encoded')
  )
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return refuse('url has a % that encodes nothing; write %25')
  }
}

function refuse(what: string): never {
  return known.refuse(what)
}
