/** Whom to reach, as a URL says it. */
export interface KafkaAddress {
  readonly secure: boolean
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  readonly username: string | undefined
  readonly password: string | undefined
}

/** The parts of a URL with one broker or several, which no URL parser takes. */
export interface KafkaUrl {
  readonly scheme: string
  readonly authority: string
  readonly path: string
  readonly parameters: URLSearchParams
}

/** `undefined`: it is none. */
export function splitUrl(url: string): KafkaUrl | undefined {
  const [, scheme, authority, path = '', query = ''] =
    /^([a-z]+):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?$/i.exec(url) ?? []
  if (scheme === undefined) return undefined
  return { scheme: scheme.toLowerCase(), authority: authority ?? '', path, parameters: new URLSearchParams(query) }
}

/**
 * `user:password@host:9092,host2:9092`, special characters of user and password percent-encoded.
 *
 * @throws Error that says what is wrong and quotes nothing.
 */
export function addressIn({ scheme, authority }: KafkaUrl): KafkaAddress {
  const at = authority.lastIndexOf('@')
  const hosts = authority.slice(at + 1)
  const user = authority.slice(0, Math.max(at, 0))
  const colon = user.indexOf(':')
  return {
    secure: scheme === 'kafkas',
    brokers: hosts === '' ? ['localhost:9092'] : hosts.split(',').map(brokerOf),
    username: user === '' ? undefined : decoded(colon < 0 ? user : user.slice(0, colon)),
    password: user === '' ? undefined : decoded(colon < 0 ? '' : user.slice(colon + 1)),
  }
}

function brokerOf(text: string): string {
  const [, bracketed, host, port = '9092'] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const name = bracketed ?? host
  if (name === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new Error('url names a broker that is no host:port; write kafka://host:9092,host2:9092')
  }
  return bracketed === undefined ? `${name}:${port}` : `[${name}]:${port}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Error('url has a % that encodes nothing; write %25')
  }
}
