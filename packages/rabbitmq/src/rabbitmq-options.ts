import { hintFor, MessagingError } from '@waybill/core/driver'

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

type Rule = (value: unknown) => string | undefined
type Parse = (text: string) => unknown

interface Option {
  /** What is wrong with a value; `undefined`: nothing. */
  readonly check: Rule
  /** From a URL parameter. */
  readonly parse: Parse
}

const text: Option = { check: (value) => (isText(value) ? undefined : 'must be a text that is not empty'), parse: asIs }
const anyText: Option = { check: (value) => (typeof value === 'string' ? undefined : 'must be a text'), parse: asIs }
const truth: Option = {
  check: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  parse: (value) => (value === 'true' ? true : value === 'false' ? false : value),
}
const whole = (least: number, most: number): Option => ({
  check: (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `must be a whole number from ${least} to ${most}`,
  parse: (value) => (/^\d+$/.test(value) ? Number(value) : value),
})

/** All options there are, in code, records and URL parameters alike. */
const known: { readonly [name: string]: Option } = {
  url: text,
  username: text,
  password: anyText,
  vhost: text,
  connectionName: text,
  connectTimeoutMs: whole(1, 2_147_483_647),
  heartbeatMs: whole(2_000, 600_000),
  shards: whole(1, maxShards),
  deliveryLimit: whole(1, 1_000_000),
  consumerTimeoutMs: whole(1_000, 2_147_483_647),
  maxBodyBytes: whole(1, maxMessageBytes),
  redeliveryHorizonMs: whole(1, Number.MAX_SAFE_INTEGER),
  'tls.ca': text,
  'tls.cert': text,
  'tls.key': text,
  'tls.passphrase': anyText,
  'tls.servername': text,
  'tls.allowUnverified': truth,
}

/** @throws MessagingError `invalidArgument` on an unknown, wrong or contradictory option, saying what there is. */
export function checkRabbitmqOptions(options: RabbitmqOptions): RabbitmqSettings {
  if (!isRecord(options)) refuse('options must be a record: rabbitmq({ url })')
  for (const [name, value] of flat(options)) check(name, value)
  if (options.url === undefined) refuse('url is missing; give url: "amqp://host"')
  const address = addressOf(options.url)
  const { tls = {}, username = address.username, password = address.password, vhost = address.vhost } = options
  if ((options.username === undefined) !== (options.password === undefined))
    refuse('give username and password together')
  if (!address.secure && Object.keys(tls).length > 0) refuse('tls options need a url that begins with amqps:')
  if ((tls.cert === undefined) !== (tls.key === undefined)) refuse('give tls.cert and tls.key together')
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
  const options: { [name: string]: unknown } = {}
  const tls: { [name: string]: unknown } = {}
  for (const [name, value] of parsed.searchParams) {
    if (name === 'url' || !Object.hasOwn(known, name)) refuseUnknown(name)
    const option = known[name] as Option
    if (name.startsWith('tls.')) tls[name.slice('tls.'.length)] = option.parse(value)
    else options[name] = option.parse(value)
  }
  parsed.search = ''
  return { ...options, url: parsed.href, ...(Object.keys(tls).length > 0 ? { tls } : {}) } as RabbitmqOptions
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

/** The options by their full names: `tls.ca`. */
function* flat(options: object): Generator<[name: string, value: unknown]> {
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'tls') yield [name, value]
    else if (!isRecord(value)) refuse('tls must be a record')
    else for (const [inner, innerValue] of Object.entries(value)) yield [`tls.${inner}`, innerValue]
  }
}

function check(name: string, value: unknown): void {
  if (!Object.hasOwn(known, name)) refuseUnknown(name)
  const wrong = value === undefined ? undefined : (known[name] as Option).check(value)
  if (wrong !== undefined) refuse(`${name} ${wrong}`)
}

function refuseUnknown(name: string): never {
  return refuse(`unknown option "${name}": ${hintFor(name, Object.keys(known))}`)
}

function refuse(what: string): never {
  throw new MessagingError('invalidArgument', `rabbitmq driver: ${what}`, { system: 'rabbitmq' })
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function asIs(value: string): string {
  return value
}
